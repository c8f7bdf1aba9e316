// SPDX-License-Identifier: Apache-2.0
// Java's view of what the kafka commands make.
//   open FILE PASSWORD|-              alias, kind and chain length of each entry
//   handshake KEY CLIENT TRUST PASSWORD   mutual TLS on this machine; "NAME as seen, PROTOCOL"
//   serve KEY TRUST PASSWORD need|want|none|http   a server that answers as a broker does; its port
//   principal CERT...                 X500Principal.getName() of each
//   property FILE KEY                 its value, as java.util.Properties reads the file
//   matches RULE NAME                 what the pattern of a mapping rule makes of a name
import java.io.FileInputStream;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Collections;
import java.util.Properties;
import java.util.concurrent.FutureTask;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class KafkaStores {
	static char[] password(String text) {
		return text.equals("-") ? null : text.toCharArray();
	}

	static KeyStore load(String file, String password) throws Exception {
		KeyStore ks = KeyStore.getInstance("PKCS12");
		try (InputStream in = new FileInputStream(file)) {
			ks.load(in, password(password));
		}
		return ks;
	}

	static void open(String file, String password) throws Exception {
		KeyStore ks = load(file, password);
		for (String alias : Collections.list(ks.aliases())) {
			if (!ks.isKeyEntry(alias)) {
				System.out.println(alias + " trusted");
				continue;
			}
			System.out.println(alias + " " + ks.getKey(alias, password(password)).getAlgorithm()
				+ " " + ks.getCertificateChain(alias).length);
		}
	}

	static SSLContext context(String key, String trust, String password) throws Exception {
		KeyManagerFactory k = KeyManagerFactory.getInstance("SunX509");
		k.init(load(key, password), password(password));
		TrustManagerFactory t = TrustManagerFactory.getInstance("PKIX");
		t.init(load(trust, password));
		SSLContext c = SSLContext.getInstance("TLS");
		c.init(k.getKeyManagers(), t.getTrustManagers(), null);
		return c;
	}

	static void handshake(String[] a) throws Exception {
		SSLServerSocket server = (SSLServerSocket) context(a[1], a[3], a[4])
			.getServerSocketFactory().createServerSocket(0);
		server.setNeedClientAuth(true);
		FutureTask<String> seen = new FutureTask<>(() -> {
			try (SSLSocket s = (SSLSocket) server.accept()) {
				s.startHandshake();
				s.getOutputStream().write(1);
				s.getOutputStream().flush();
				return s.getSession().getPeerPrincipal().getName() + ", "
					+ s.getSession().getProtocol();
			}
		});
		new Thread(seen).start();
		try (SSLSocket s = (SSLSocket) context(a[2], a[3], a[4]).getSocketFactory()
			.createSocket("localhost", server.getLocalPort())) {
			SSLParameters p = s.getSSLParameters();
			p.setEndpointIdentificationAlgorithm("HTTPS");
			s.setSSLParameters(p);
			if (s.getInputStream().read() != 1)
				throw new Exception("the server sent nothing");
		} catch (Exception e) {
			// The client sees an alert; the server knows why.
			System.err.println(e);
		}
		System.out.println(seen.get());
	}

	// ApiVersions with nothing in it, to whatever request; "http" asks nobody and answers otherwise.
	static void answer(SSLSocket s, String how) {
		try (s) {
			byte[] request = new byte[14];
			if (s.getInputStream().readNBytes(request, 0, 14) < 14)
				return;
			byte[] answer = how.equals("http") ? "HTTP/1.1 400 Bad\r\n\r\n".getBytes()
				: new byte[] { 0, 0, 0, 10, request[8], request[9], request[10], request[11], 0, 0, 0, 0, 0, 0 };
			s.getOutputStream().write(answer);
			s.getOutputStream().flush();
		} catch (Exception e) {
			System.err.println(e);
		}
	}

	static void serve(String[] a) throws Exception {
		SSLServerSocket server = (SSLServerSocket) context(a[1], a[2], a[3])
			.getServerSocketFactory().createServerSocket(0);
		server.setNeedClientAuth(a[4].equals("need"));
		if (a[4].equals("want"))
			server.setWantClientAuth(true);
		System.out.println(server.getLocalPort());
		while (true) {
			SSLSocket s = (SSLSocket) server.accept();
			new Thread(() -> answer(s, a[4])).start();
		}
	}

	static void principals(String[] a) throws Exception {
		CertificateFactory f = CertificateFactory.getInstance("X.509");
		for (int i = 1; i < a.length; i++)
			try (InputStream in = new FileInputStream(a[i])) {
				X509Certificate c = (X509Certificate) f.generateCertificate(in);
				System.out.println(c.getSubjectX500Principal().getName());
			}
	}

	static void property(String file, String key) throws Exception {
		Properties p = new Properties();
		try (InputStream in = new FileInputStream(file)) {
			p.load(in);
		}
		System.out.println(p.getProperty(key));
	}

	// As SslPrincipalMapper does with the first of the rules.
	static void matches(String rules, String name) {
		Matcher rule = Pattern.compile("RULE:((\\\\.|[^\\\\/])*)/((\\\\.|[^\\\\/])*)/,DEFAULT").matcher(rules);
		if (!rule.matches()) {
			System.out.println("no rule");
			return;
		}
		boolean fits = Pattern.compile(rule.group(1)).matcher(name).matches();
		System.out.println(fits ? name.replaceAll(rule.group(1), rule.group(3)) : name);
	}

	public static void main(String[] a) throws Exception {
		switch (a[0]) {
		case "open": open(a[1], a[2]); break;
		case "handshake": handshake(a); break;
		case "serve": serve(a); break;
		case "principal": principals(a); break;
		case "property": property(a[1], a[2]); break;
		case "matches": matches(a[1], a[2]); break;
		default: throw new Exception(a[0]);
		}
	}
}
