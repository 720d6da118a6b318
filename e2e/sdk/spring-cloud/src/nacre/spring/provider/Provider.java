package nacre.spring.provider;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** An application that registers itself, and answers which one it is. */
@SpringBootApplication
@RestController
public class Provider {
    @Value("${spring.cloud.nacos.discovery.metadata.zone}")
    private String zone;

    @GetMapping("/zone")
    public String zone() {
        return zone;
    }

    public static void main(String[] args) {
        SpringApplication.run(Provider.class, args);
    }
}
