package nacre.spring;

import java.util.function.Supplier;
import nacre.sdk.Server;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.cloud.context.config.annotation.RefreshScope;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.stereotype.Component;

/** A Spring Boot application that loads and refreshes its properties from Nacre, and checks that it does. */
@SpringBootApplication
@EnableConfigurationProperties(Application.Shop.class)
public class Application {
    /** Properties that are bound anew when they change. */
    @ConfigurationProperties("shop")
    public static class Shop {
        private String currency;
        private int limit;

        public String getCurrency() {
            return currency;
        }

        public void setCurrency(String currency) {
            this.currency = currency;
        }

        public int getLimit() {
            return limit;
        }

        public void setLimit(int limit) {
            this.limit = limit;
        }
    }

    /** A bean that is made anew when what it was made of changes. */
    @Component
    @RefreshScope
    public static class Greeting {
        @Value("${greeting}")
        private String text;

        public String text() {
            return text;
        }
    }

    interface Run {
        void run() throws Exception;
    }

    private static boolean failed;

    public static void main(String[] args) throws Exception {
        new Thread(() -> {
            try {
                Thread.sleep(180000);
            } catch (InterruptedException e) {
                return;
            }
            System.out.println("FAILED it took longer than three minutes");
            System.exit(1);
        }).start();
        try (Server server = new Server()) {
            server.publish("shop.properties", "shop.currency=EUR\nshop.limit=5\n", "&type=properties");
            server.publish("shop.yml", "greeting: gr\u00fcezi\n", "&type=yaml");
            ConfigurableApplicationContext[] app = new ConfigurableApplicationContext[1];
            check("starts with the properties of two configurations", () -> {
                app[0] = SpringApplication.run(Application.class, "--spring.cloud.nacos.config.server-addr=" + server.address());
                same(app[0].getBean(Shop.class).getCurrency(), "EUR");
                same(app[0].getBean(Shop.class).getLimit(), 5);
                same(app[0].getBean(Greeting.class).text(), "gr\u00fcezi");
            });
            if (failed) {
                server.close();
                Runtime.getRuntime().halt(1);
            }
            check("binds changed properties anew", () -> {
                server.publish("shop.properties", "shop.currency=CHF\nshop.limit=7\n", "&type=properties");
                until(() -> app[0].getBean(Shop.class).getCurrency(), "CHF", 10000);
                until(() -> app[0].getBean(Shop.class).getLimit(), 7, 10000);
            });
            check("makes a bean of the refresh scope anew", () -> {
                server.publish("shop.yml", "greeting: bonjour\n", "&type=yaml");
                until(() -> app[0].getBean(Greeting.class).text(), "bonjour", 10000);
            });
            for (boolean force : new boolean[] {false, true}) {
                check(force ? "learns what was published after the server was killed" : "learns what was published after a restart", () -> {
                    server.end(force);
                    Thread.sleep(500);
                    server.start();
                    server.publish("shop.properties", "shop.currency=" + (force ? "USD" : "SEK") + "\n", "&type=properties");
                    until(() -> app[0].getBean(Shop.class).getCurrency(), force ? "USD" : "SEK", 30000);
                });
            }
            app[0].close();
        }
        System.out.flush();
        Runtime.getRuntime().halt(failed ? 1 : 0);
    }

    private static void check(String name, Run run) {
        long start = System.nanoTime();
        String what = "ok     ";
        String why = "";
        try {
            run.run();
        } catch (Throwable e) {
            failed = true;
            what = "FAILED ";
            why = ": " + e;
        }
        System.out.println(what + name + String.format(" (%.1f s)", (System.nanoTime() - start) / 1e9) + why);
    }

    private static void same(Object got, Object want) {
        if (!want.equals(got)) {
            throw new AssertionError("got " + got + ", want " + want);
        }
    }

    private static void until(Supplier<Object> get, Object want, long limitMs) throws InterruptedException {
        for (long end = System.currentTimeMillis() + limitMs; !want.equals(get.get()); Thread.sleep(10)) {
            if (System.currentTimeMillis() > end) {
                throw new AssertionError("after " + limitMs + " ms it is " + get.get() + ", want " + want);
            }
        }
    }
}
