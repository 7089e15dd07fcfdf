# The kernels, for one machine or for any. For any, on x86-64, they are compiled three times, for the levels 2, 3
# (AVX2) and 4 (AVX-512) of its ABI. Each time they are linked to one object in which everything but the kernels
# themselves is local, since an inline function compiled for AVX-512 must not become that of the whole program.
# cmake/dispatch.sh renames the kernels to NAME.v2, NAME.v3, NAME.v4 and writes for each NAME an indirect function:
# the dynamic loader asks it once which of the three NAME is to be. No source file knows of all this.

set(can_dispatch OFF)
if(EVENKEEL_DISPATCH AND NOT EVENKEEL_NATIVE AND CMAKE_SYSTEM_NAME STREQUAL "Linux"
    AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND CMAKE_SIZEOF_VOID_P EQUAL 8
    AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize|-march|-flto")
  set(can_dispatch ON)
endif()
if(NOT can_dispatch)
  target_sources(evenkeel PRIVATE ${kernel_sources})
  return()
endif()

enable_language(ASM)
target_compile_definitions(evenkeel PRIVATE EVENKEEL_DISPATCH)
set(dispatch_folder ${PROJECT_BINARY_DIR}/dispatch)
foreach(level IN ITEMS 2 3 4)
  set(kernels evenkeel_kernels_v${level})
  add_library(${kernels} OBJECT ${kernel_sources})
  target_compile_options(${kernels} PRIVATE $<TARGET_PROPERTY:evenkeel,COMPILE_OPTIONS> -march=x86-64-v${level})
  # A symbol that is unique in the process could not be made local.
  target_compile_options(${kernels} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_compile_definitions(${kernels} PRIVATE $<TARGET_PROPERTY:evenkeel,COMPILE_DEFINITIONS>)
  target_link_libraries(${kernels} PRIVATE Eigen3::Eigen OpenMP::OpenMP_CXX evenkeel_warnings)
  target_precompile_headers(${kernels} PRIVATE $<TARGET_PROPERTY:evenkeel,PRECOMPILE_HEADERS>)
  target_include_directories(${kernels} PRIVATE ${PROJECT_BINARY_DIR}/include)
  set_target_properties(${kernels} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  list(APPEND dispatch_objects ${dispatch_folder}/kernels.v${level}.o)
  set(objects $<FILTER:$<TARGET_OBJECTS:${kernels}>,EXCLUDE,/cmake_pch>)  # CMake counts the precompiled headers
  list(APPEND dispatch_arguments ${level} ${objects})
  list(APPEND dispatch_inputs ${objects})
endforeach()
add_custom_command(OUTPUT ${dispatch_folder}/dispatch.S ${dispatch_objects}
  COMMAND ${CMAKE_COMMAND} -E env LD=${CMAKE_LINKER} NM=${CMAKE_NM} OBJCOPY=${CMAKE_OBJCOPY}
    bash ${PROJECT_SOURCE_DIR}/cmake/dispatch.sh ${dispatch_folder} ${dispatch_arguments}
  DEPENDS ${dispatch_inputs} ${PROJECT_SOURCE_DIR}/cmake/dispatch.sh
  COMMAND_EXPAND_LISTS VERBATIM COMMENT "Choosing kernels when a program starts")
set_source_files_properties(${dispatch_objects} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
target_sources(evenkeel PRIVATE ${dispatch_folder}/dispatch.S ${dispatch_objects})
