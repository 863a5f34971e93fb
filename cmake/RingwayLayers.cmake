# rw_add_layers(LAYER...): for each layer, lowest first, the static library rw_LAYER from
# src/LAYER/**.c. It links the layer below it, and through it all the lower ones. A layer without
# sources is passed over. Afterwards rw_everything stands for all layers.
function(rw_add_layers)
    set(below rw_packages)
    foreach(layer IN LISTS ARGN)
        file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/${layer}/*.c)
        list(FILTER sources EXCLUDE REGEX "/preload/") # for other programs than this one
        if(sources)
            add_library(rw_${layer} STATIC ${sources})
            target_include_directories(rw_${layer} PUBLIC src ${CMAKE_BINARY_DIR}/generated)
            target_link_libraries(rw_${layer} PUBLIC ${below})
            set(below rw_${layer})
        endif()
        # The highest layer so far: what a test of this layer links.
        set_property(GLOBAL PROPERTY RW_UP_TO_${layer} ${below})
    endforeach()
    add_library(rw_everything INTERFACE)
    target_include_directories(rw_everything INTERFACE src ${CMAKE_BINARY_DIR}/generated)
    target_link_libraries(rw_everything INTERFACE ${below})
endfunction()

# rw_library_for(RESULT WORD): the target that a test named WORD_..._test.c links.
function(rw_library_for result word)
    get_property(library GLOBAL PROPERTY RW_UP_TO_${word})
    if(NOT library OR library STREQUAL "rw_packages")
        set(library rw_everything)
    endif()
    set(${result} ${library} PARENT_SCOPE)
endfunction()

# rw_add_program(NAME DIRECTORY): the executable from src/DIRECTORY/**.c, if there are any.
function(rw_add_program name directory)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/${directory}/*.c)
    if(NOT sources OR RW_SANITIZE STREQUAL "fuzz")
        return()
    endif()
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE rw_everything)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
