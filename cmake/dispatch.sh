#!/usr/bin/env bash
# dispatch.sh FOLDER LEVEL OBJECTS... LEVEL OBJECTS...: writes FOLDER/kernels.vLEVEL.o, each level's objects in one
# with their kernels renamed to NAME.vLEVEL, and FOLDER/dispatch.S, which picks; see dispatch.cmake.
set -euo pipefail
folder=$1
shift
mkdir -p "$folder"
cd "$folder"
rm -f -- *.o *.S *.names

declare -A objects
for argument in "$@"; do
  case $argument in
    [234]) level=$argument ;;
    *) objects[$level]+="$argument"$'\n' ;;
  esac
done

# The kernels are the functions of namespace evenkeel::kernels that are no templates and not inline.
kernels() { "$NM" --defined-only "$1" | awk '$2 == "T" && $3 ~ /8evenkeel7kernels/ {print $3}' | LC_ALL=C sort; }

for level in 2 3 4; do
  mapfile -t files < <(printf '%s' "${objects[$level]}")
  "$LD" -r --force-group-allocation -o "all.v$level.o" "${files[@]}"
  kernels "all.v$level.o" >"v$level.names"
  "$OBJCOPY" --keep-global-symbols="v$level.names" "all.v$level.o"
  "$OBJCOPY" --redefine-syms=<(sed "s/.*/& &.v$level/" "v$level.names") "all.v$level.o" "kernels.v$level.o"
  rm "all.v$level.o"
  "$NM" --defined-only --extern-only --format=just-symbols "kernels.v$level.o" | LC_ALL=C sort |
    cmp - <(sed "s/$/.v$level/" "v$level.names")
done
cmp v2.names v3.names
cmp v2.names v4.names

{
  cat <<'ASM'
    .hidden evenkeel_isa_level
    .macro kernel name
    .hidden "\name\().v2"
    .hidden "\name\().v3"
    .hidden "\name\().v4"
    .globl \name
    .type \name, @gnu_indirect_function
\name:
    subq $8, %rsp
    call evenkeel_isa_level
    addq $8, %rsp
    leaq "\name\().v2"(%rip), %rdx
    leaq "\name\().v3"(%rip), %rcx
    cmpl $3, %eax
    cmovge %rcx, %rdx
    leaq "\name\().v4"(%rip), %rcx
    cmpl $4, %eax
    cmovge %rcx, %rdx
    movq %rdx, %rax
    ret
    .endm
    .text
ASM
  sed 's/.*/    kernel &/' v2.names
  echo '    .section .note.GNU-stack, "", @progbits'
} >dispatch.S
