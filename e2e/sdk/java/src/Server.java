package nacre.sdk;

import java.io.File;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URL;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Comparator;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A Nacre process on a free pair of ports P and P+1000, which a check may stop, kill and start again. */
public final class Server implements AutoCloseable {
    /** The group of all that checks publish. */
    public static final String GROUP = "sdk";

    public final int port;
    private final File dir;
    private volatile Process process;

    public Server() throws Exception {
        dir = Files.createTempDirectory("nacre-sdk-java").toFile();
        Random random = new Random();
        int p;
        do {
            p = 10000 + random.nextInt(21000); // below the ports that connections are given
        } while (!free(p) || !free(p + 1000));
        port = p;
        // A program that is ended from outside leaves no server behind.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> process.destroyForcibly()));
        start();
    }

    private static boolean free(int port) {
        try (ServerSocket s = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    public String address() {
        return "127.0.0.1:" + port;
    }

    public void start() throws Exception {
        process = new ProcessBuilder(System.getenv("NACRE"), "serve", "--data-dir", dir + "/data", "--http-addr", address(),
                "--access-log", "off", "--log-level", "warn").inheritIO().start();
        for (int i = 0; i < 2000; i++) {
            try {
                HttpURLConnection c = (HttpURLConnection) new URL("http://" + address() + "/readyz").openConnection();
                if (c.getResponseCode() == 200) {
                    return;
                }
            } catch (IOException e) {
                // not yet
            }
            Thread.sleep(10);
        }
        throw new IllegalStateException("the server was not ready in time");
    }

    /** Stops the server in order, or by force, and waits until it has ended. */
    public void end(boolean force) throws InterruptedException {
        if (force) {
            process.destroyForcibly();
        } else {
            process.destroy();
        }
        if (!process.waitFor(20, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the server did not end");
        }
    }

    @Override
    public void close() throws Exception {
        end(true);
        try (Stream<java.nio.file.Path> all = Files.walk(dir.toPath())) {
            all.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
        }
    }

    /** Publishes over HTTP; the header, given as name and value, may be left out. */
    public int publish(String dataId, String content, String more, String... header) throws IOException {
        HttpURLConnection c = (HttpURLConnection) new URL("http://" + address() + "/nacos/v1/cs/configs").openConnection();
        c.setRequestMethod("POST");
        c.setDoOutput(true);
        if (header.length == 2) {
            c.setRequestProperty(header[0], header[1]);
        }
        String form = "dataId=" + dataId + "&group=" + GROUP + "&content=" + URLEncoder.encode(content, "UTF-8") + more;
        c.getOutputStream().write(form.getBytes(StandardCharsets.UTF_8));
        return c.getResponseCode();
    }

    /** Reads a whole number of a JSON answer. */
    long number(String path, String name) throws IOException {
        String body = new String(new URL("http://" + address() + path).openStream().readAllBytes(), StandardCharsets.UTF_8);
        java.util.regex.Matcher m = java.util.regex.Pattern.compile("\"" + name + "\":(\\d+)").matcher(body);
        if (!m.find()) {
            throw new IOException(body);
        }
        return Long.parseLong(m.group(1));
    }

    /** Reads a header of a configuration over HTTP. */
    String header(String dataId, String name) throws IOException {
        URL url = new URL("http://" + address() + "/nacos/v1/cs/configs?dataId=" + dataId + "&group=" + GROUP);
        return ((HttpURLConnection) url.openConnection()).getHeaderField(name);
    }

    /** Reads a configuration over HTTP. */
    String read(String dataId) throws IOException {
        URL url = new URL("http://" + address() + "/nacos/v1/cs/configs?dataId=" + dataId + "&group=" + GROUP);
        return new String(url.openStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    /** Returns what a path answers. */
    public String get(String path) throws IOException {
        return new String(new URL("http://" + address() + path).openStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    /** Sends a form by PUT and returns the answer. */
    public String put(String path, String form) throws IOException {
        return send("PUT", path, form);
    }

    /** Sends a form by POST and returns the answer. */
    String post(String path, String form) throws IOException {
        return send("POST", path, form);
    }

    private String send(String method, String path, String form) throws IOException {
        HttpURLConnection c = (HttpURLConnection) new URL("http://" + address() + path).openConnection();
        c.setRequestMethod(method);
        c.setRequestProperty("Content-Type", "application/x-www-form-urlencoded");
        c.setDoOutput(true);
        c.getOutputStream().write(form.getBytes(StandardCharsets.UTF_8));
        return new String(c.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
}
