package nacre.spring.consumer;

import static nacre.sdk.Checks.check;
import static nacre.sdk.Checks.end;
import static nacre.sdk.Checks.limit;
import static nacre.sdk.Checks.same;
import static nacre.sdk.Checks.start;
import static nacre.sdk.Checks.until;

import java.util.Map;
import java.util.TreeMap;
import nacre.sdk.Checks;
import nacre.sdk.Server;
import nacre.spring.provider.Provider;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.client.ServiceInstance;
import org.springframework.cloud.client.discovery.DiscoveryClient;
import org.springframework.cloud.client.loadbalancer.LoadBalanced;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.web.client.RestTemplate;

/** Checks that an application finds providers in Nacre and calls them through Spring Cloud's load balancer. */
public final class Consumer {
    /** The application. */
    @SpringBootApplication
    public static class App {
        @Bean
        @LoadBalanced
        RestTemplate calls() {
            return new RestTemplate();
        }
    }

    /** How long a change may take to be told, in ms; one of the server's restarts; the start of a provider. */
    private static final int TOLD = 1000;
    private static final int GONE = 2000;
    private static final int BACK = 45000;
    private static final int STARTED = 90000;

    private final Server server;
    private final ConfigurableApplicationContext app;

    private Consumer(Server server, boolean weighted) {
        this.server = server;
        app = SpringApplication.run(App.class, "--spring.application.name=consumer", "--spring.main.web-application-type=none",
                "--spring.cloud.nacos.discovery.register-enabled=false", "--spring.cloud.nacos.discovery.server-addr=" + server.address(),
                "--spring.cloud.loadbalancer.nacos.enabled=" + weighted);
    }

    public static void main(String[] args) throws Exception {
        limit(300);
        try (Server server = new Server()) {
            Process a = provider(server, "a", 1);
            Process b = provider(server, "b", 4);
            Consumer c = new Consumer(server, false);
            check("two providers are found, with weight, cluster and metadata", c::finds);
            if (!Checks.failed()) {
                check("calls reach both in turn", c::both);
                check("calls follow the weights", c::weights);
                check("one that an operator disables is not called until it is enabled", c::disabled);
                check("calls go on after the server stopped in order, and both register anew, once", () -> c.restart(false));
                check("calls go on after the server was killed, and both register anew, once", () -> c.restart(true));
                check("one that is killed is not called any more", () -> {
                    b.destroyForcibly();
                    until(GONE, "{a=1.0}", c::found);
                    same(c.called(20).toString(), "{a=20}");
                });
                check("one that takes its place is called", () -> {
                    provider(server, "c", 1);
                    until(STARTED, "{a=1.0, c=1.0}", c::found);
                    same(c.called(20).toString(), "{a=10, c=10}");
                });
                check("one that ends in order deregisters itself", () -> {
                    a.destroy();
                    until(STARTED, "{c=1.0}", c::found);
                    same(c.called(20).toString(), "{c=20}");
                });
            }
        }
        end(); // closing its clients in order would take this SDK ten seconds
    }

    private static Process provider(Server server, String zone, int weight) throws Exception {
        return start("provider-" + zone, Provider.class, "--spring.application.name=provider", "--server.port=0", "--server.address=127.0.0.1",
                "--spring.cloud.nacos.discovery.server-addr=" + server.address(), "--spring.cloud.nacos.discovery.ip=127.0.0.1",
                "--spring.cloud.nacos.discovery.weight=" + weight, "--spring.cloud.nacos.discovery.metadata.zone=" + zone,
                "--spring.cloud.nacos.discovery.cluster-name=CLUSTER-" + zone);
    }

    /** The zones of the providers that the consumer knows, with their weights. */
    private Map<String, String> zones() {
        Map<String, String> zones = new TreeMap<>();
        for (ServiceInstance i : app.getBean(DiscoveryClient.class).getInstances("provider")) {
            same(zones.put(i.getMetadata().get("zone"), i.getMetadata().get("nacos.weight")), null);
        }
        return zones;
    }

    private String found() {
        return zones().toString();
    }

    /** Calls so many times and counts who answered. */
    private Map<String, Integer> called(int times) {
        return called(app.getBean(RestTemplate.class), times);
    }

    private static Map<String, Integer> called(RestTemplate calls, int times) {
        Map<String, Integer> zones = new TreeMap<>();
        for (int i = 0; i < times; i++) {
            zones.merge(calls.getForObject("http://provider/zone", String.class), 1, Integer::sum);
        }
        return zones;
    }

    private void finds() throws Exception {
        until(STARTED, "{a=1.0, b=4.0}", this::found);
        DiscoveryClient client = app.getBean(DiscoveryClient.class);
        same(client.getServices().toString(), "[provider]");
        for (ServiceInstance i : client.getInstances("provider")) {
            same(i.getMetadata().get("nacos.cluster"), "CLUSTER-" + i.getMetadata().get("zone"));
            same(i.getMetadata().get("nacos.healthy") + i.getMetadata().get("nacos.ephemeral"), "truetrue");
            same(i.getHost(), "127.0.0.1");
        }
    }

    private void both() {
        same(called(20).toString(), "{a=10, b=10}");
    }

    private void weights() {
        Consumer weighted = new Consumer(server, true);
        int heavy = weighted.called(400).get("b");
        same(heavy >= 260 && heavy < 400, true); // four of five are 320; 8 at once is one in six times
    }

    private void disabled() throws Exception {
        int port = 0;
        for (ServiceInstance i : app.getBean(DiscoveryClient.class).getInstances("provider")) {
            if ("b".equals(i.getMetadata().get("zone"))) {
                port = i.getPort();
            }
        }
        String query = "serviceName=sdk@@provider&ip=127.0.0.1&clusterName=CLUSTER-b&port=" + port + "&weight=4&metadata=zone%3Db&enabled=";
        same(server.put("/nacos/v1/ns/instance", query + "false"), "ok");
        until(TOLD, "{a=1.0}", this::found);
        same(called(20).toString(), "{a=20}");
        same(server.put("/nacos/v1/ns/instance", query + "true"), "ok");
        until(TOLD, "{a=1.0, b=4.0}", this::found);
        same(called(20).toString(), "{a=10, b=10}");
    }

    private void restart(boolean force) throws Exception {
        server.end(force);
        same(called(20).toString(), "{a=10, b=10}"); // the last that it was told
        server.start();
        until(BACK, 2, () -> server.get("/nacos/v1/ns/instance/list?serviceName=sdk@@provider").split("\"zone\":").length - 1);
        until(BACK, "{a=1.0, b=4.0}", this::found);
        same(called(20).toString(), "{a=10, b=10}");
    }
}
