// SPDX-License-Identifier: Apache-2.0
/*
 * What Kafka's clients do, on demand: a request a line on standard input, its words parted by
 * tabs; an answer a line on standard output, "OUTCOME<tab>detail". One JVM for a whole test.
 *
 *   topic SETTINGS NAME                 make a topic
 *   allow SETTINGS PRINCIPAL TOPIC      let a principal write to it and read from it, in any group
 *   set SETTINGS NODE NAME VALUE        a broker's dynamic setting
 *   send SETTINGS TOPIC TEXT            a record
 *   read SETTINGS TOPIC N               N records from the begin; detail: the last one
 *   meet SETTINGS HOST:PORT             a TLS connection and a Kafka request, as a new program would
 *   keep NAME SETTINGS HOST:PORT        the same; the TLS sessions are kept under NAME
 *   again NAME                          another connection with those sessions
 *   flow SETTINGS TOPIC                 from now on, a record every 50 ms and a reader of them
 *   stop                                end that; detail: sent, failed, read, missing
 *
 * SETTINGS is a file of a client's settings. OUTCOME: ok; tls (refused, or refuses, in the
 * handshake); denied (by an ACL); gone (closed without a word); other.
 */
import java.io.*;
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import javax.net.ssl.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;
import org.apache.kafka.common.serialization.*;

public final class Probe {
	private static final int PATIENCE_MS = 30_000;
	private static final Map<String, Visitor> kept = new HashMap<>();
	private static Flow flow;

	public static void main(String[] args) throws Exception {
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));

		for (String line; (line = in.readLine()) != null;) {
			String answer;

			try {
				answer = "ok\t" + act(line.split("\t"));
			} catch (Throwable e) {
				answer = outcome(e);
			}
			System.out.println(answer.replace('\n', ' '));
			System.out.flush();
		}
		Runtime.getRuntime().halt(0);
	}

	private static String act(String[] w) throws Exception {
		switch (w[0]) {
		case "topic": return topic(w[1], w[2]);
		case "allow": return allow(w[1], w[2], w[3]);
		case "set": return set(w[1], w[2], w[3], w[4]);
		case "send": return send(w[1], w[2], w[3]);
		case "read": return read(w[1], w[2], Integer.parseInt(w[3]));
		case "meet": return new Visitor(w[1], w[2]).visit();
		case "keep":
			kept.put(w[1], new Visitor(w[2], w[3]));
			return kept.get(w[1]).visit();
		case "again": return kept.get(w[1]).visit();
		case "flow":
			flow = new Flow(w[1], w[2]);
			return "";
		case "stop": return flow.stop();
		default: throw new IllegalArgumentException("no such request: " + w[0]);
		}
	}

	/* The most telling of the causes. */
	private static String outcome(Throwable e) {
		Throwable last = e;
		String word = null;

		for (Throwable t = e; t != null; t = t.getCause()) {
			last = t;
			if (t instanceof AuthorizationException)
				return "denied\t" + t.getMessage();
			if (t instanceof AuthenticationException || t instanceof SSLException)
				word = "tls";
		}
		if (word == null)
			word = last instanceof IOException ||
			    last instanceof java.util.concurrent.TimeoutException ||
			    last instanceof org.apache.kafka.common.errors.TimeoutException ? "gone" : "other";
		return word + "\t" + last;
	}

	private static Properties settings(String file) throws IOException {
		Properties p = new Properties();

		try (Reader r = Files.newBufferedReader(Path.of(file))) {
			p.load(r);
		}
		p.putIfAbsent("request.timeout.ms", "20000");
		return p;
	}

	private interface Task<T> {
		T of(Admin a) throws Exception;
	}

	private static <T> T admin(String file, Task<T> task) throws Exception {
		Properties p = settings(file);

		p.put("default.api.timeout.ms", PATIENCE_MS);
		try (Admin a = Admin.create(p)) {
			return task.of(a);
		}
	}

	private static String topic(String file, String name) throws Exception {
		return admin(file, a -> {
			a.createTopics(List.of(new NewTopic(name, 1, (short)1))).all().get();
			return name;
		});
	}

	private static AclBinding grant(ResourceType type, String name, String who, AclOperation what) {
		return new AclBinding(new ResourcePattern(type, name, PatternType.LITERAL),
		    new AccessControlEntry(who, "*", what, AclPermissionType.ALLOW));
	}

	private static String allow(String file, String who, String topic) throws Exception {
		return admin(file, a -> {
			a.createAcls(List.of(grant(ResourceType.TOPIC, topic, who, AclOperation.WRITE),
			    grant(ResourceType.TOPIC, topic, who, AclOperation.READ),
			    grant(ResourceType.GROUP, "*", who, AclOperation.READ))).all().get();
			return who;
		});
	}

	private static String set(String file, String node, String name, String value) throws Exception {
		return admin(file, a -> {
			a.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.BROKER, node),
			    List.of(new AlterConfigOp(new ConfigEntry(name, value),
				AlterConfigOp.OpType.SET)))).all().get();
			return name;
		});
	}

	private static Producer<String, String> producer(String file) throws IOException {
		Properties p = settings(file);

		p.put("max.block.ms", PATIENCE_MS);
		p.put("delivery.timeout.ms", PATIENCE_MS);
		p.put("linger.ms", 0);
		return new KafkaProducer<>(p, new StringSerializer(), new StringSerializer());
	}

	private static Consumer<String, String> consumer(String file) throws IOException {
		Properties p = settings(file);

		p.put("group.id", "probe-" + UUID.randomUUID());
		p.put("auto.offset.reset", "earliest");
		return new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
	}

	private static String send(String file, String topic, String text) throws Exception {
		try (Producer<String, String> p = producer(file)) {
			return "offset " + p.send(new ProducerRecord<>(topic, text)).get().offset();
		}
	}

	private static String read(String file, String topic, int n) throws Exception {
		long end = System.currentTimeMillis() + PATIENCE_MS;
		String last = "";

		try (Consumer<String, String> c = consumer(file)) {
			c.subscribe(List.of(topic));
			while (n > 0 && System.currentTimeMillis() < end)
				for (ConsumerRecord<String, String> r : c.poll(Duration.ofMillis(200))) {
					last = r.value();
					n--;
				}
		}
		if (n > 0)
			throw new IllegalStateException(n + " records are missing");
		return last;
	}

	/* One program's TLS state, made by Kafka's own code out of its settings. */
	private static final class Visitor {
		private final SSLContext context;
		private final Properties p;
		private final String host;
		private final int port;

		Visitor(String file, String where) throws IOException {
			int colon = where.lastIndexOf(':');
			Map<String, Object> c = new HashMap<>();

			host = where.substring(0, colon);
			port = Integer.parseInt(where.substring(colon + 1));
			p = settings(file);
			p.putIfAbsent("ssl.protocol", "TLSv1.3");
			p.putIfAbsent("ssl.keystore.type", SslConfigs.DEFAULT_SSL_KEYSTORE_TYPE);
			p.putIfAbsent("ssl.truststore.type", SslConfigs.DEFAULT_SSL_TRUSTSTORE_TYPE);
			p.putIfAbsent("ssl.enabled.protocols", "TLSv1.2,TLSv1.3");
			p.putIfAbsent("ssl.endpoint.identification.algorithm", "https");
			p.putIfAbsent("ssl.keymanager.algorithm", SslConfigs.DEFAULT_SSL_KEYMANGER_ALGORITHM);
			p.putIfAbsent("ssl.trustmanager.algorithm", SslConfigs.DEFAULT_SSL_TRUSTMANAGER_ALGORITHM);
			for (String name : p.stringPropertyNames())
				c.put(name, name.endsWith(".password") ? new Password(p.getProperty(name))
				    : p.getProperty(name));
			c.put("ssl.enabled.protocols", versions());
			try (DefaultSslEngineFactory f = new DefaultSslEngineFactory()) {
				f.configure(c);
				context = f.sslContext();
			}
		}

		private List<String> versions() {
			return List.of(p.getProperty("ssl.enabled.protocols").split(","));
		}

		/* In TLS 1.3 only an answer tells that the client was let in. */
		String visit() throws Exception {
			try (Socket tcp = new Socket()) {
				tcp.setSoTimeout(PATIENCE_MS);
				tcp.connect(new InetSocketAddress("127.0.0.1", port), PATIENCE_MS);
				SSLSocket s = (SSLSocket)context.getSocketFactory().createSocket(tcp, host, port, true);
				SSLParameters how = s.getSSLParameters();
				how.setEndpointIdentificationAlgorithm(
				    p.getProperty("ssl.endpoint.identification.algorithm"));
				how.setProtocols(versions().toArray(new String[0]));
				s.setSSLParameters(how);
				ask(s);
				return s.getSession().getProtocol();
			}
		}

		/* ApiVersions, version 0, of no client in particular. */
		private static void ask(SSLSocket s) throws IOException {
			ByteBuffer b = ByteBuffer.allocate(14);

			b.putInt(10).putShort((short)18).putShort((short)0).putInt(1).putShort((short)-1);
			s.getOutputStream().write(b.array());
			DataInputStream in = new DataInputStream(s.getInputStream());
			if (in.readNBytes(in.readInt()).length < 6)
				throw new EOFException("no answer");
		}
	}

	/* A producer and a consumer that go on while something else happens. */
	private static final class Flow {
		private final AtomicInteger failed = new AtomicInteger();
		private final Set<String> sent = ConcurrentHashMap.newKeySet();
		private final Set<String> seen = ConcurrentHashMap.newKeySet();
		private final Set<String> errors = ConcurrentHashMap.newKeySet();
		private volatile boolean over;
		private final Thread writer, reader;

		Flow(String file, String topic) throws Exception {
			Producer<String, String> p = producer(file);
			Consumer<String, String> c = consumer(file);

			c.subscribe(List.of(topic));
			p.send(new ProducerRecord<>(topic, "first")).get();
			sent.add("first");
			writer = new Thread(() -> write(p, topic));
			reader = new Thread(() -> follow(c));
			writer.start();
			reader.start();
		}

		private void note(Exception e) {
			failed.incrementAndGet();
			errors.add(String.valueOf(e));
		}

		private void write(Producer<String, String> p, String topic) {
			for (int n = 0; !over; n++) {
				String text = "flow-" + n;

				p.send(new ProducerRecord<>(topic, text), (m, e) -> {
					if (e == null)
						sent.add(text);
					else
						note(e);
				});
				try {
					Thread.sleep(50);
				} catch (InterruptedException e) {
					return;
				}
			}
			p.close();
		}

		private void follow(Consumer<String, String> c) {
			long end = 0;

			while (end == 0 || (!seen.containsAll(sent) && System.currentTimeMillis() < end)) {
				try {
					for (ConsumerRecord<String, String> r : c.poll(Duration.ofMillis(100)))
						seen.add(r.value());
				} catch (RuntimeException e) {
					note(e);
				}
				if (end == 0 && over && !writer.isAlive())
					end = System.currentTimeMillis() + PATIENCE_MS;
			}
			c.close();
		}

		String stop() throws InterruptedException {
			over = true;
			writer.join();
			reader.join();
			Set<String> missing = new HashSet<>(sent);
			missing.removeAll(seen);
			return "sent " + sent.size() + ", failed " + failed + ", read " + seen.size() +
			    ", missing " + missing.size() + " " + errors;
		}
	}
}
