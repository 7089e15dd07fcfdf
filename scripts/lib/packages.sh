# For scripts to source: what Debian must provide, installed where it is missing.

# What every build of Evenkeel needs.
build_packages=(cmake g++ libeigen3-dev libspdlog-dev ninja-build nlohmann-json3-dev zlib1g-dev)

# require_packages PACKAGES...: installs those that are missing, and says which. Needs root or sudo only then.
require_packages() {
  if ! command -v apt-get >/dev/null; then
    echo "No apt-get here: these must be installed by other means: $*" >&2
    return
  fi
  local package missing=() as_root=()
  for package in "$@"; do
    if [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
      missing+=("$package")
    fi
  done
  if ((${#missing[@]} == 0)); then return; fi
  if ((EUID != 0)); then
    as_root=(sudo)
    if ! command -v sudo >/dev/null; then
      echo "Missing: ${missing[*]}. Install them as root, or install sudo." >&2
      return 1
    fi
  fi
  echo "Installing with apt-get: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends "${missing[@]}" </dev/null
}
