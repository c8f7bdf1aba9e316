# SPDX-License-Identifier: Apache-2.0
# The Debian package (scripts/package; cpack -G DEB), and what only a package installs.
include(GNUInstallDirs)
set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(CHANCERY_DEB_RELEASE 1 CACHE STRING "Debian revision of the package")
set(CHANCERY_DEB_VERSION ${PROJECT_VERSION}-${CHANCERY_DEB_RELEASE})
configure_file(${packaging}/debian/changelog ${PROJECT_BINARY_DIR}/changelog @ONLY)

install(FILES ${packaging}/systemd/chanceryd.service ${packaging}/systemd/chanceryd.socket
    ${packaging}/systemd/chanceryd-plain.socket ${packaging}/systemd/chancery-backup.service
    ${packaging}/systemd/chancery-backup.timer ${packaging}/systemd/chancery-renew@.service
    ${packaging}/systemd/chancery-renew@.timer
    ${packaging}/systemd/chancery.target ${packaging}/systemd/chancery-connect.service
    ${packaging}/systemd/chancery-rooms.socket ${packaging}/systemd/chancery-signer.service
    ${packaging}/systemd/chancery-keygen.service ${packaging}/systemd/chancery-server.service
    ${packaging}/systemd/chancery-server.socket ${packaging}/systemd/chancery-server-plain.socket
    ${packaging}/systemd/chancery-publisher.service
    DESTINATION lib/systemd/system COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${packaging}/sysusers.conf DESTINATION lib/sysusers.d RENAME chancery.conf
    COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${packaging}/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME chancery.conf
    COMPONENT debian EXCLUDE_FROM_ALL)
install(PROGRAMS ${packaging}/chancery-backup-daily DESTINATION libexec/chancery
    COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${packaging}/chancery.yaml DESTINATION /etc/chancery
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ
    COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${packaging}/logrotate DESTINATION /etc/logrotate.d RENAME chancery
    COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${packaging}/debian/copyright ${packaging}/debian/README.Debian
    ${PROJECT_BINARY_DIR}/changelog DESTINATION share/doc/chancery
    COMPONENT debian EXCLUDE_FROM_ALL)
# Debian policy: manual pages and changelog are compressed, without a time in them.
install(CODE [[
	file(GLOB_RECURSE files "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share/man/*.[158]")
	execute_process(COMMAND gzip -9nf ${files}
	    "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share/doc/chancery/changelog"
	    COMMAND_ERROR_IS_FATAL ANY)
]] COMPONENT debian EXCLUDE_FROM_ALL)

set(CPACK_PACKAGE_NAME chancery)
set(CPACK_PACKAGE_VENDOR Chancery)
set(CPACK_PACKAGE_CONTACT "Chancery <chancery@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "certificate-signing service for keys in an HSM")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Chancery keeps root and intermediate CA keys in an HSM (PKCS#11), signs what Vault,
OpenBao, keytool or OpenSSL bring, over the HTTP API of Vault's PKI engine or by hand,
writes CRLs, and can prove with a public-format transparency log what its keys signed.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL Unspecified debian)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${CHANCERY_DEB_RELEASE})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "openssl, systemd (>= 252) | systemd-standalone-sysusers, systemd (>= 252) | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "logrotate")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "softhsm2, opensc, libengine-pkcs11-openssl")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/debian/postinst
    ${packaging}/debian/prerm ${packaging}/debian/postrm ${packaging}/debian/conffiles)
include(CPack)
