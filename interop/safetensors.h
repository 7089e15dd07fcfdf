#pragma once

#include <evenkeel/core/state.h>

#include <map>
#include <span>
#include <string>

namespace evenkeel {

/// The content of a safetensors file (https://github.com/huggingface/safetensors, "Format"): named arrays of
/// float64, float32, int64 and uint8 (F64, F32, I64, U8), and free text beside them.
struct Safetensors {
  State tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads a file, in the order in which its header lists the tensors. Bytes become values unchanged, NaNs
/// included. Untrusted files are safe: every rule of the format is checked before memory is taken for values,
/// and no more of it is taken than the file is long.
///
/// Throws FileError, naming path, tensor and rule, for what breaks a rule: a header length that does not fit
/// the file or exceeds 100,000,000; a header that is not UTF-8 JSON with unique keys; offsets that leave
/// holes, overlap or do not end with the file; a size that does not follow from dtype and shape, or
/// overflows. Beyond the format: other dtypes, ranks above 8, null bytes in names and fields that it does not
/// define are refused. Whitespace around the header's object is accepted, since writers pad with it.
Safetensors read_safetensors(const std::string& path);

/// The same for the bytes of a file in memory.
Safetensors parse_safetensors(std::span<const std::byte> file);

/// Writes a file; equal contents give equal bytes. The header lists the tensors in the given order and the
/// metadata by key, and is padded with spaces to a multiple of 8 bytes. The values follow by falling element
/// size, equal sizes in the given order, so that each tensor is aligned to its element.
///
/// The path names the whole old or the whole new file at any moment (`replace_file`). Throws FileError,
/// before anything is written, for a name that occurs twice, is `__metadata__`, holds a null byte or is not
/// UTF-8, for an undefined array, and for a header above 100,000,000 bytes; and for what the file system
/// refuses.
void write_safetensors(const std::string& path, const Safetensors& content);

}  // namespace evenkeel
