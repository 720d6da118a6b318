package nacre.sdk;

import com.alibaba.nacos.api.naming.NamingFactory;
import com.alibaba.nacos.api.naming.NamingMaintainFactory;
import com.alibaba.nacos.api.naming.NamingMaintainService;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import com.alibaba.nacos.api.naming.pojo.ListView;
import com.alibaba.nacos.api.naming.pojo.Service;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;

/** What the client for Java does with services and instances. */
final class NamingCheck {
    private static final String GROUP = "DEFAULT_GROUP";

    private final Server server;
    private final NamingService client;
    private final NamingMaintainService operator;
    private volatile String told = "<nothing>";
    private volatile String toldAtOnce = "<nothing>";

    NamingCheck(Server server) throws Exception {
        this.server = server;
        Properties p = new Properties();
        p.put("serverAddr", server.address());
        client = NamingFactory.createNamingService(p);
        operator = NamingMaintainFactory.createMaintainService(p);
    }

    private static String shown(List<Instance> list) {
        List<String> texts = new ArrayList<>();
        for (Instance i : list) {
            texts.add(i.getIp() + ":" + i.getPort());
        }
        Collections.sort(texts);
        return String.join(",", texts);
    }

    private static Instance instance(String ip, int port) {
        Instance i = new Instance();
        i.setIp(ip);
        i.setPort(port);
        return i;
    }

    /** Asks the server, not what the client remembers. */
    private List<Instance> all(String service) throws Exception {
        return client.getAllInstances(service, GROUP, new ArrayList<>(), false);
    }

    void basics() throws Exception {
        Instance one = instance("10.0.0.1", 80);
        one.setWeight(2);
        one.setClusterName("c1");
        one.addMetadata("zone", "a");
        client.registerInstance("java.a", one);
        client.registerInstance("java.a", "10.0.0.2", 80);
        Checks.same(shown(all("java.a")), "10.0.0.1:80,10.0.0.2:80");
        Instance got = client.selectInstances("java.a", GROUP, Collections.singletonList("c1"), true, false).get(0);
        Checks.same(got.getWeight(), 2.0);
        Checks.same(got.getMetadata().get("zone"), "a");
        Checks.same(client.selectOneHealthyInstance("java.a").getPort(), 80);
        client.deregisterInstance("java.a", "10.0.0.2", 80);
        Checks.same(shown(all("java.a")), "10.0.0.1:80");
        ListView<String> services = client.getServicesOfServer(1, 10);
        Checks.same(services.getCount() + " " + services.getData(), "1 [java.a]");
        Checks.same(client.getServerStatus(), "UP");
    }

    void persistent() throws Exception {
        Instance one = instance("10.0.1.1", 80);
        one.setEphemeral(false);
        client.registerInstance("java.p", one);
        Checks.same(shown(all("java.p")), "10.0.1.1:80");
        client.deregisterInstance("java.p", one);
        Checks.same(shown(all("java.p")), "");
    }

    void subscribes() throws Exception {
        client.subscribe("java.told", e -> told = shown(((NamingEvent) e).getInstances()));
        client.registerInstance("java.told", "10.0.0.1", 80);
        Checks.until(15000, "10.0.0.1:80", () -> told);
        client.registerInstance("java.told", "10.0.0.2", 80);
        Checks.until(15000, "10.0.0.1:80,10.0.0.2:80", () -> told);
        client.deregisterInstance("java.told", "10.0.0.1", 80);
        Checks.until(15000, "10.0.0.2:80", () -> told);
    }

    /** The client asks every ten seconds; the server is to tell it at once, over UDP. */
    void toldAtOnce() throws Exception {
        client.subscribe("java.udp", e -> toldAtOnce = shown(((NamingEvent) e).getInstances()));
        client.registerInstance("java.udp", "10.0.2.1", 80);
        until(() -> toldAtOnce, 15, "10.0.2.1:80");
        long before = server.number("/nacos/v1/ns/operator/push/state", "succeed");
        String want = "10.0.2.1:80";
        for (int i = 2; i <= 6; i++) {
            client.registerInstance("java.udp", "10.0.2." + i, 80);
            want += ",10.0.2." + i + ":80";
            until(() -> toldAtOnce, 2, want);
            Thread.sleep(1500); // so that all of them take most of an interval
        }
        long acknowledged = server.number("/nacos/v1/ns/operator/push/state", "succeed") - before;
        if (acknowledged < 5) {
            throw new AssertionError(acknowledged + " of 5 changes were acknowledged");
        }
    }

    void operates() throws Exception {
        operator.createService("java.made", GROUP, 0.5f);
        Service made = operator.queryService("java.made");
        Checks.same(made.getProtectThreshold(), 0.5f);
        operator.updateService("java.made", GROUP, 0.3f, Collections.singletonMap("k", "v"));
        made = operator.queryService("java.made");
        Checks.same(made.getProtectThreshold() + " " + made.getMetadata(), "0.3 {k=v}");
        Checks.same(operator.deleteService("java.made"), true);
        Instance one = instance("10.0.0.1", 80);
        one.setClusterName("c1");
        one.setWeight(5);
        operator.updateInstance("java.a", one);
        Checks.same(all("java.a").get(0).getWeight(), 5.0);
    }

    void restart() throws Exception {
        server.end(true);
        server.start();
        Checks.until(20000, "10.0.0.1:80", () -> shown(all("java.a")));
        Checks.same(all("java.a").get(0).getMetadata().get("zone"), "a");
    }
}
