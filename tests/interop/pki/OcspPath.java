/* SPDX-License-Identifier: Apache-2.0 */

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * OcspPath CA LEAF good|REASON…: each leaf is asked about at the responder that it names, by OCSP
 * and nothing else, and is good or refused for the reason of that name.
 */
public final class OcspPath {
	private static X509Certificate certificate(String name) throws Exception {
		try (InputStream in = Files.newInputStream(Path.of(name))) {
			return (X509Certificate) CertificateFactory.getInstance("X.509")
			    .generateCertificate(in);
		}
	}

	private static String verdict(X509Certificate ca, X509Certificate leaf) throws Exception {
		CertPathValidator v = CertPathValidator.getInstance("PKIX");
		PKIXRevocationChecker ocsp = (PKIXRevocationChecker) v.getRevocationChecker();
		PKIXParameters p = new PKIXParameters(Set.of(new TrustAnchor(ca, null)));

		ocsp.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
		p.addCertPathChecker(ocsp);
		try {
			v.validate(CertificateFactory.getInstance("X.509")
			    .generateCertPath(List.of(leaf)), p);
			return "good";
		} catch (CertPathValidatorException e) {
			return e.getReason().toString();
		}
	}

	public static void main(String[] args) throws Exception {
		X509Certificate ca = certificate(args[0]);

		for (int i = 1; i < args.length; i += 2) {
			String got = verdict(ca, certificate(args[i]));

			if (!got.equals(args[i + 1])) {
				System.err.println(args[i] + ": " + got + ", not " + args[i + 1]);
				System.exit(1);
			}
		}
	}
}
