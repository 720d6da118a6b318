package nacre.sdk;

import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.AbstractFuzzyWatchEventWatcher;
import com.alibaba.nacos.api.naming.listener.FuzzyWatchChangeEvent;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** Checks the fuzzy watch of services, which clients of version 3 have. */
public final class ServiceFuzzyCheck {
    public static void run() throws Exception {
        try (Server server = new Server()) {
            NamingService a = GrpcNaming.connect(server.address());
            NamingService b = GrpcNaming.connect(server.address());
            a.registerInstance("fuzzy.one", Check.GROUP, GrpcNaming.instance("10.0.0.1", 80));
            Set<String> services = Collections.newSetFromMap(new ConcurrentHashMap<>());
            AbstractFuzzyWatchEventWatcher watcher = new AbstractFuzzyWatchEventWatcher() {
                @Override
                public void onEvent(FuzzyWatchChangeEvent e) {
                    if ("ADD_SERVICE".equals(e.getChangeType())) {
                        services.add(e.getServiceName());
                    } else {
                        services.remove(e.getServiceName());
                    }
                }
            };
            Checks.same(b.fuzzyWatchWithServiceKeys("fuzzy.*", Check.GROUP, watcher).get(10, TimeUnit.SECONDS).getCount(), 1);
            until(services, 2, "[fuzzy.one]");
            a.registerInstance("fuzzy.two", Check.GROUP, GrpcNaming.instance("10.0.0.1", 80));
            until(services, 2, "[fuzzy.one, fuzzy.two]");
            a.deregisterInstance("fuzzy.one", Check.GROUP, GrpcNaming.instance("10.0.0.1", 80));
            until(services, 2, "[fuzzy.two]");
            server.end(true);
            a.shutDown();
            server.start();
            NamingService c = GrpcNaming.connect(server.address());
            c.registerInstance("fuzzy.three", Check.GROUP, GrpcNaming.instance("10.0.0.1", 80));
            until(services, 30, "[fuzzy.three]");
            b.cancelFuzzyWatch("fuzzy.*", Check.GROUP, watcher);
            b.shutDown();
            c.shutDown();
        }
    }

    private static void until(Set<String> services, int seconds, String want) throws Exception {
        Checks.until(seconds * 1000L, want, () -> new TreeSet<>(services).toString());
    }
}
