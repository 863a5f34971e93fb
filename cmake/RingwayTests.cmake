# Tests are found by name, so that adding one is adding one file.
#   tests/unit/LAYER_TOPIC_test.c   a cmocka program; links LAYER and everything below it
#                                   (LAYER `all`: everything)
#   tests/support/*.c               helpers for unit tests and simulations, if there are any
#   tests/fuzz/TOPIC_fuzz.c         LLVMFuzzerTestOneInput; corpus in tests/fuzz/corpus/TOPIC/
#   tests/sim/TOPIC.c               a simulation with its own main(): rw_sim_TOPIC
#   tests/scenario/TOPIC.test.mjs   the whole program under Node's test runner
# CTest labels: unit, fuzz, sim, scenario.

set(RW_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

# What is true of every test program, whatever its kind.
function(rw_test_program name source library)
    add_executable(${name} ${source})
    target_compile_definitions(${name} PRIVATE RW_TEST)
    target_include_directories(${name} PRIVATE src tests ${CMAKE_BINARY_DIR}/generated)
    file(GLOB support CONFIGURE_DEPENDS tests/support/*.c)
    if(support AND NOT TARGET rw_test_support)
        add_library(rw_test_support STATIC EXCLUDE_FROM_ALL ${support})
        target_compile_definitions(rw_test_support PRIVATE RW_TEST)
        target_include_directories(rw_test_support PUBLIC src tests ${CMAKE_BINARY_DIR}/generated)
        target_link_libraries(rw_test_support PUBLIC PkgConfig::CMOCKA PkgConfig::BROTLI_DECODER)
    endif()
    if(TARGET rw_test_support)
        target_link_libraries(${name} PRIVATE rw_test_support)
    endif()
    target_link_libraries(${name} PRIVATE ${library})
endfunction()

function(rw_register_test name label timeout_s)
    add_test(NAME ${label}.${name} COMMAND ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${label}.${name} PROPERTIES
        LABELS ${label} TIMEOUT ${timeout_s} ENVIRONMENT "${RW_TEST_ENVIRONMENT}")
endfunction()

function(rw_add_unit_tests directory)
    if(RW_SANITIZE STREQUAL "fuzz")
        return()
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${directory}/*_test.c)
    foreach(source IN LISTS sources)
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "_.*" "" layer ${name})
        rw_library_for(library ${layer})
        rw_test_program(${name} ${source} ${library})
        target_link_libraries(${name} PRIVATE PkgConfig::CMOCKA)
        rw_register_test(${name} unit 120 $<TARGET_FILE:${name}>)
    endforeach()
endfunction()

# With libFuzzer in the fuzz build; elsewhere a small main() that replays the corpus, which makes
# every input ever found a regression test.
function(rw_add_fuzzers directory)
    file(GLOB sources CONFIGURE_DEPENDS ${directory}/*_fuzz.c)
    foreach(source IN LISTS sources)
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "_fuzz$" "" topic ${name})
        string(REGEX REPLACE "_.*" "" layer ${name})
        rw_library_for(library ${layer})
        rw_test_program(${name} ${source} ${library})
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzzers)
        if(topic MATCHES "^(hpack|h2)")
            target_link_libraries(${name} PRIVATE PkgConfig::NGHTTP2)
        endif()
        if(RW_SANITIZE STREQUAL "fuzz")
            target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        else()
            target_sources(${name} PRIVATE ${directory}/replay.c)
            rw_register_test(${topic} fuzz 120 $<TARGET_FILE:${name}> ${directory}/corpus/${topic})
        endif()
    endforeach()
endfunction()

function(rw_add_simulations directory)
    if(RW_SANITIZE STREQUAL "fuzz")
        return()
    endif()
    # Under a sanitizer a schedule takes some ten times as long; those of hours more than others.
    set(seeds 5000)
    set(seeds_gateway 1500)
    set(seeds_limits 1000)
    set(seeds_mirror 500)
    set(seeds_rollout 1000)
    file(GLOB sources CONFIGURE_DEPENDS ${directory}/*.c)
    foreach(source IN LISTS sources)
        get_filename_component(topic ${source} NAME_WE)
        string(REGEX REPLACE "^rw_sim_|^sim_|_sim$" "" topic ${topic})
        rw_test_program(rw_sim_${topic} ${source} rw_everything)
        set_target_properties(rw_sim_${topic} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/simulations)
        set(options)
        if(RW_SANITIZE AND DEFINED seeds_${topic})
            set(options --seeds ${seeds_${topic}})
        elseif(RW_SANITIZE)
            set(options --seeds ${seeds})
        endif()
        rw_register_test(${topic} sim 900 $<TARGET_FILE:rw_sim_${topic}> ${options})
    endforeach()
endfunction()

function(rw_add_scenarios directory)
    file(GLOB sources CONFIGURE_DEPENDS ${directory}/*.test.mjs)
    if(NOT sources OR NOT TARGET ringway)
        return()
    endif()
    find_program(NODE_PROGRAM NAMES node nodejs REQUIRED)
    foreach(source IN LISTS sources)
        get_filename_component(topic ${source} NAME_WE)
        rw_register_test(${topic} scenario 180 ${NODE_PROGRAM} --test ${source})
        set_property(TEST scenario.${topic} APPEND PROPERTY
            ENVIRONMENT "RINGWAY=$<TARGET_FILE:ringway>")
        # These load the machine, or look at how fast it is back: nothing else runs meanwhile.
        if(topic MATCHES "^(h2-floods|staying-up|load|compress|million|simulate)$")
            set_property(TEST scenario.${topic} PROPERTY RUN_SERIAL ON)
        endif()
    endforeach()
endfunction()
