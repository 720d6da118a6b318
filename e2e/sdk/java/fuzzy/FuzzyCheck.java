package nacre.sdk;

import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.config.listener.AbstractFuzzyWatchEventWatcher;
import com.alibaba.nacos.api.config.listener.ConfigFuzzyWatchChangeEvent;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.ConcurrentHashMap;

/** Checks the fuzzy watch, which clients of version 3 have. */
public final class FuzzyCheck {
    public static void run(Check check) throws Exception {
        ConfigService client = check.client;
        client.publishConfig("fuzzy.one", Check.GROUP, "1");
        Set<String> seen = Collections.newSetFromMap(new ConcurrentHashMap<>());
        AbstractFuzzyWatchEventWatcher watcher = new AbstractFuzzyWatchEventWatcher() {
            @Override
            public void onEvent(ConfigFuzzyWatchChangeEvent e) {
                seen.add(e.getChangedType() + " " + e.getDataId());
            }
        };
        Set<String> keys = client.fuzzyWatchWithGroupKeys("fuzzy.*", Check.GROUP, watcher).get(10, TimeUnit.SECONDS);
        Checks.same(keys.size(), 1);
        until(seen, "ADD_CONFIG fuzzy.one");
        client.publishConfig("fuzzy.two", Check.GROUP, "2");
        until(seen, "ADD_CONFIG fuzzy.two");
        client.removeConfig("fuzzy.one", Check.GROUP);
        until(seen, "DELETE_CONFIG fuzzy.one");
        check.server.end(true);
        check.server.start();
        check.server.publish("fuzzy.three", "3", "");
        until(seen, "ADD_CONFIG fuzzy.three");
        client.cancelFuzzyWatch("fuzzy.*", Check.GROUP, watcher);
    }

    private static void until(Set<String> seen, String want) throws Exception {
        for (long end = System.currentTimeMillis() + 20000; !seen.contains(want); Thread.sleep(5)) {
            if (System.currentTimeMillis() > end) {
                throw new AssertionError("not told of " + want + " but of " + seen);
            }
        }
    }
}
