/* SPDX-License-Identifier: Apache-2.0 */

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * CertPath DIR…: every leaf of each DIR validates to root.pem with revocation checked against
 * the CRLs there, and against the one of its partition alone; revoked.pem is refused as revoked and for nothing else.
 */
public final class CertPath {
	private static final CertificateFactory X509 = factory();

	private static CertificateFactory factory() {
		try {
			return CertificateFactory.getInstance("X.509");
		} catch (Exception e) {
			throw new IllegalStateException(e);
		}
	}

	private static X509Certificate certificate(Path p) throws Exception {
		try (InputStream in = Files.newInputStream(p)) {
			return (X509Certificate) X509.generateCertificate(in);
		}
	}

	private static X509CRL crl(Path p) throws Exception {
		try (InputStream in = Files.newInputStream(p)) {
			return (X509CRL) X509.generateCRL(in);
		}
	}

	private static void validate(Path dir, Path leaf, String list) throws Exception {
		X509Certificate root = certificate(dir.resolve("root.pem"));
		X509Certificate ca = certificate(dir.resolve("intermediate.pem"));
		List<Object> store = new ArrayList<>();

		store.add(crl(dir.resolve("root.crl")));
		store.add(crl(dir.resolve(list)));
		PKIXParameters p = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
		p.setRevocationEnabled(true);
		p.addCertStore(CertStore.getInstance("Collection",
		    new CollectionCertStoreParameters(store)));
		CertPathValidator.getInstance("PKIX").validate(
		    X509.generateCertPath(List.of(certificate(leaf), ca)), p);
	}

	private static boolean refusedAsRevoked(Path dir, Path leaf, String list)
	    throws Exception {
		try {
			validate(dir, leaf, list);
			return false;
		} catch (CertPathValidatorException e) {
			return e.getReason() == CertPathValidatorException.BasicReason.REVOKED;
		}
	}

	private static boolean isLeaf(Path p) {
		String name = p.getFileName().toString();
		return name.endsWith(".pem") && !name.equals("root.pem")
		    && !name.equals("intermediate.pem") && !name.equals("revoked.pem");
	}

	private static void check(Path dir) throws Exception {
		int n = 0;

		try (var files = Files.list(dir)) {
			for (Path leaf : files.filter(CertPath::isLeaf).sorted().toList()) {
				try {
					validate(dir, leaf, "intermediate.crl");
					if (!leaf.getFileName().toString().startsWith("ocsp-"))
						validate(dir, leaf, "urls.crl");
				} catch (CertPathValidatorException e) {
					throw new AssertionError(leaf + ": " + e.getMessage(), e);
				}
				n++;
			}
		}
		if (n == 0)
			throw new AssertionError(dir + ": no leaves");
		for (String list : List.of("intermediate.crl", "urls.crl"))
			if (!refusedAsRevoked(dir, dir.resolve("revoked.pem"), list))
				throw new AssertionError(dir + "/revoked.pem is not refused by " + list);
		X509CRL scoped = crl(dir.resolve("partition.crl"));
		X509CRL delta = crl(dir.resolve("delta.crl"));
		X509Certificate ca = certificate(dir.resolve("intermediate.pem"));
		scoped.verify(ca.getPublicKey());
		delta.verify(ca.getPublicKey());
		if (!scoped.getCriticalExtensionOIDs().contains("2.5.29.28")
		    || !delta.getCriticalExtensionOIDs().contains("2.5.29.27"))
			throw new AssertionError("scope or delta indicator not critical");
		System.out.println(dir + ": " + n + " leaves valid, one revoked");
	}

	public static void main(String[] args) throws Exception {
		for (String dir : args)
			check(Path.of(dir));
	}
}
