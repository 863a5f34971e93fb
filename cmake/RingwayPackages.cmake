# The libraries taken from the distribution, by pkg-config. `make deps` installs them.
# rw_packages carries them all to every layer; static linking takes only what is used.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(RW_DEPENDENCIES REQUIRED IMPORTED_TARGET
    openssl liburing libfyaml jansson libxml-2.0 libpcre2-8 libcares libxxhash zlib libbrotlienc libzstd
    libmaxminddb)

add_library(rw_packages INTERFACE)
target_link_libraries(rw_packages INTERFACE PkgConfig::RW_DEPENDENCIES Threads::Threads m)
target_link_options(rw_packages INTERFACE -Wl,--as-needed)

if(RW_TESTS)
    pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
    # Another implementation to compare with; only fuzzers link it.
    pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
    pkg_check_modules(BROTLI_DECODER REQUIRED IMPORTED_TARGET libbrotlidec)
endif()
