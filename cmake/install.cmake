# What `cmake --install` copies: the library, its public headers, evenkeel-config.cmake and evenkeel.pc.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# A header is public unless it lies in core/kernels or says "/// Internal:" near its top.
file(GLOB evenkeel_headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} evenkeel.h
  core/*.h autograd/*.h autograd/ops/*.h layers/*.h optim/*.h data/*.h interop/*.h)
foreach(header IN LISTS evenkeel_headers)
  file(STRINGS ${PROJECT_SOURCE_DIR}/${header} internal REGEX "^/// Internal:")
  if(NOT internal)
    get_filename_component(folder ${header} DIRECTORY)
    install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/evenkeel/${folder})
  endif()
endforeach()

# OpenMP's runtime goes by name: it must be that of the compiler which built the library, and the consumer's
# compiler may bring another.
set(openmp_runtime ${OpenMP_CXX_LIB_NAMES})
list(REMOVE_ITEM openmp_runtime pthread)
target_link_libraries(evenkeel PRIVATE $<INSTALL_INTERFACE:${openmp_runtime}>)
install(TARGETS evenkeel EXPORT evenkeel-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/evenkeel)
install(EXPORT evenkeel-targets NAMESPACE evenkeel:: DESTINATION ${package_folder})
get_target_property(library_type evenkeel TYPE)
if(library_type STREQUAL "STATIC_LIBRARY")
  set(static_dependencies "include(CMakeFindDependencyMacro)
find_dependency(spdlog)
find_dependency(Threads)
find_dependency(ZLIB)")
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/evenkeel-config.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/evenkeel-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/evenkeel-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/evenkeel-config.cmake
  ${PROJECT_BINARY_DIR}/cmake/evenkeel-config-version.cmake DESTINATION ${package_folder})

list(TRANSFORM openmp_runtime PREPEND -l OUTPUT_VARIABLE openmp_flags)
list(JOIN openmp_flags " " openmp_flags)
file(RELATIVE_PATH pkgconfig_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)  # the package may be moved
set(pkgconfig_private "-lspdlog -lfmt -lz ${openmp_flags} -pthread")
if(library_type STREQUAL "STATIC_LIBRARY")
  set(pkgconfig_public " ${pkgconfig_private}")  # there is no shared library, so --static must not be needed
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/evenkeel.pc.in ${PROJECT_BINARY_DIR}/cmake/evenkeel.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/evenkeel.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
