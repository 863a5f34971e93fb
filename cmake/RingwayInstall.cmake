# What `make install` puts beside the program: the page of the manual, the service for systemd, an
# example. The service names the program where it is installed, which is known only then.
set(packaging ${CMAKE_SOURCE_DIR}/packaging)
install(CODE "set(BINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
configure_file(${packaging}/ringway.service.in ${CMAKE_BINARY_DIR}/ringway.service @ONLY)")
install(FILES ${CMAKE_BINARY_DIR}/ringway.service DESTINATION lib/systemd/system)
install(FILES ${packaging}/ringway.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${CMAKE_SOURCE_DIR}/examples/quickstart.yaml ${CMAKE_SOURCE_DIR}/LICENSE
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
