# SPDX-License-Identifier: Apache-2.0
# chancery_library(name SOURCES a.c b.c USES base pki LINKS PkgConfig::X)
#   a static library chancery_<name>; USES names our own libraries below it.
# chancery_program(name SOURCES … USES …)
# chancery_test(suite name [LABELS l] SOURCES … USES … LINKS …)
#   a cmocka program tests registered with ctest under <suite>/<name>.
# chancery_test_sanitized(suite/name)
#   what the sanitizers want in the environment of a test that loads a module.
function(chancery_library name)
	cmake_parse_arguments(L "" "" "SOURCES;USES;LINKS" ${ARGN})
	add_library(chancery_${name} STATIC ${L_SOURCES})
	# What tests/fuzz links, whatever exists.
	set_property(GLOBAL APPEND PROPERTY CHANCERY_LIBRARIES ${name})
	target_include_directories(chancery_${name} PUBLIC
	    ${PROJECT_SOURCE_DIR}/include)
	list(TRANSFORM L_USES PREPEND chancery_)
	target_link_libraries(chancery_${name} PUBLIC ${L_USES} ${L_LINKS})
endfunction()

function(chancery_program name)
	cmake_parse_arguments(L "" "" "SOURCES;USES;LINKS" ${ARGN})
	add_executable(${name} ${L_SOURCES})
	list(TRANSFORM L_USES PREPEND chancery_)
	target_link_libraries(${name} PRIVATE ${L_USES} ${L_LINKS})
	target_compile_options(${name} PRIVATE -fPIE)
	target_link_options(${name} PRIVATE -pie)
endfunction()

function(chancery_test suite name)
	cmake_parse_arguments(L "" "" "SOURCES;USES;LINKS;LABELS" ${ARGN})
	set(target test_${suite}_${name})
	chancery_program(${target} SOURCES ${L_SOURCES} USES ${L_USES}
	    LINKS ${L_LINKS} PkgConfig::CMOCKA)
	target_compile_definitions(${target} PRIVATE
	    TEST_DATA_DIR="${PROJECT_SOURCE_DIR}/tests/data")
	# cmocka's macros cast between integers and pointers.
	target_compile_options(${target} PRIVATE -Wno-sign-conversion
	    -Wno-conversion)
	add_test(NAME ${suite}/${name} COMMAND ${target})
	set_tests_properties(${suite}/${name} PROPERTIES
	    LABELS "${suite};${L_LABELS}" TIMEOUT 600)
	if(NOT suite STREQUAL "unit")
		chancery_test_sanitized(${suite}/${name})
	endif()
endfunction()

# Options of the sanitizers for a test that loads a module: with stacks through it (no
# frame pointers) up to its name, for the suppressions. Slow, hence not for unit tests.
# intercept_tls_get_addr=0: GCC 12's runtime takes what lies before a block of thread-local
# memory for its size and address; in the search for leaks beside running threads it reads
# there, and dies ("Tracer caught signal 11"; DTLS blocks such as 0x1000016dc-0xa000027de).
function(chancery_test_sanitized test)
	if(CHANCERY_SANITIZE MATCHES "address")
		string(JOIN ";" environment
		    "ASAN_OPTIONS=fast_unwind_on_malloc=0:malloc_context_size=12:detect_leaks=1:intercept_tls_get_addr=0"
		    "LSAN_OPTIONS=print_suppressions=0")
		set_tests_properties(${test} PROPERTIES ENVIRONMENT
		    "${environment}")
	endif()
endfunction()
