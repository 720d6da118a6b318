package nacre.dubbo;

import nacre.sdk.Server;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ConfigCenterConfig;
import org.apache.dubbo.config.MetadataReportConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** A provider in a process of its own: its arguments are the server and its name. */
public final class Provider {
    public static void main(String[] args) throws Exception {
        ServiceConfig<Greeter> service = new ServiceConfig<>();
        service.setInterface(Greeter.class);
        service.setRef(name -> name + " from " + args[1]);
        application("greeter", args[0]).protocol(new ProtocolConfig("tri", -1)).service(service).start().await();
    }

    /** An application whose registry, metadata and configuration are on one server. */
    static DubboBootstrap application(String name, String server) {
        ApplicationConfig application = new ApplicationConfig(name);
        application.setQosEnable(false);
        application.setMetadataType("remote");
        ConfigCenterConfig center = new ConfigCenterConfig();
        center.setAddress("nacos://" + server);
        center.setGroup(Server.GROUP);
        center.setConfigFile("dubbo.properties");
        RegistryConfig registry = new RegistryConfig("nacos://" + server);
        return DubboBootstrap.getInstance().application(application).configCenter(center).registry(registry)
                .metadataReport(new MetadataReportConfig("nacos://" + server));
    }
}
