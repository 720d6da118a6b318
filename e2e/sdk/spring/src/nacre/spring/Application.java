package nacre.spring;

import static nacre.sdk.Checks.check;
import static nacre.sdk.Checks.end;
import static nacre.sdk.Checks.failed;
import static nacre.sdk.Checks.limit;
import static nacre.sdk.Checks.same;
import static nacre.sdk.Checks.until;

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

    public static void main(String[] args) throws Exception {
        limit(180);
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
            if (failed()) {
                server.close();
                end();
            }
            check("binds changed properties anew", () -> {
                server.publish("shop.properties", "shop.currency=CHF\nshop.limit=7\n", "&type=properties");
                until(10000, "CHF", () -> app[0].getBean(Shop.class).getCurrency());
                until(10000, 7, () -> app[0].getBean(Shop.class).getLimit());
            });
            check("makes a bean of the refresh scope anew", () -> {
                server.publish("shop.yml", "greeting: bonjour\n", "&type=yaml");
                until(10000, "bonjour", () -> app[0].getBean(Greeting.class).text());
            });
            for (boolean force : new boolean[] {false, true}) {
                check(force ? "learns what was published after the server was killed" : "learns what was published after a restart", () -> {
                    server.end(force);
                    Thread.sleep(500);
                    server.start();
                    server.publish("shop.properties", "shop.currency=" + (force ? "USD" : "SEK") + "\n", "&type=properties");
                    until(30000, force ? "USD" : "SEK", () -> app[0].getBean(Shop.class).getCurrency());
                });
            }
            app[0].close();
        }
        end();
    }
}
