# Compiler and linker flags, the same for every target. Options:
#   RW_SANITIZE   "" | address | thread | fuzz
#   RW_WERROR     warnings are errors (the CI build)
#   RW_LTO        link-time optimisation of the program (GCC): a tenth fewer instructions a request
#   RW_HARDEN     stack protector, fortified libc calls, read-only relocations
#   RW_TESTS      build the tests
#   RW_BENCH      build the bench programs
set(RW_SANITIZE "" CACHE STRING "Sanitizers: empty, address, thread or fuzz")
set_property(CACHE RW_SANITIZE PROPERTY STRINGS "" address thread fuzz)
option(RW_WERROR "Treat warnings as errors" OFF)
option(RW_LTO "Link-time optimisation of the program" ON)
option(RW_HARDEN "Stack protector, fortified libc, read-only relocations" ON)
option(RW_TESTS "Build the tests" ON)
option(RW_BENCH "Build the bench programs" OFF)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# A static library waits for the layers below only when a program is linked, so that one layer
# which does not compile holds up nothing but its users.
set(CMAKE_OPTIMIZE_DEPENDENCIES ON)

# No -DNDEBUG: assertions stay on in a release.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O0 -g3")

add_compile_definitions(_GNU_SOURCE)
add_compile_options(
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -fPIE # not -fPIC: all of it ends up in one program, whose own calls need no detour
    -fno-omit-frame-pointer # perf and crash traces walk frames
    -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=) # __FILE__ says src/..., wherever it was built
add_link_options(-pie)
if(RW_WERROR)
    add_compile_options(-Werror)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release" AND RW_SANITIZE STREQUAL "")
    add_compile_options(-fno-plt)
    add_link_options(-Wl,-z,relro,-z,now)
    if(RW_HARDEN)
        add_compile_options(-fstack-protector-strong -D_FORTIFY_SOURCE=2)
    endif()
endif()

# The objects hold both forms, so that other programs can be linked without (RW_NO_LTO_LINK).
set(RW_NO_LTO_LINK "")
if(RW_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Release"
   AND RW_SANITIZE STREQUAL "")
    add_compile_options(-flto=auto -ffat-lto-objects)
    set(RW_NO_LTO_LINK -fno-lto)
    # Structs are zeroed some ten times a request: by vector stores, as `rep stos` is slow to start.
    # The linker's GCC generates the code, and clang-tidy need not know the flag.
    if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
        set(by_vectors vector_loop:1024:noalign,libcall:-1:noalign)
        add_link_options(-mmemset-strategy=${by_vectors} -mmemcpy-strategy=${by_vectors})
    endif()
endif()

if(RW_SANITIZE STREQUAL "address")
    set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(RW_SANITIZE STREQUAL "thread")
    set(sanitize -fsanitize=thread)
elseif(RW_SANITIZE STREQUAL "fuzz")
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "RW_SANITIZE=fuzz needs clang: cmake --preset fuzz")
    endif()
    set(sanitize -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
elseif(NOT RW_SANITIZE STREQUAL "")
    message(FATAL_ERROR "RW_SANITIZE=${RW_SANITIZE}: expected address, thread or fuzz")
endif()
if(sanitize)
    add_compile_options(${sanitize})
    add_link_options(${sanitize})
endif()
