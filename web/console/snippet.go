package console

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"nacre/server/config"
	"nacre/server/resource"
	"nacre/server/settings"
	views "nacre/views/config"
	"nacre/views/words"
)

func (v *visit) snippetsPage() error {
	k, err := v.key()
	if err != nil {
		return err
	}
	item := v.Configs.Item(k)
	if item == nil {
		return v.absent(k, tabSnippets)
	}
	m := views.Snippets{Head: v.head(k, item, tabSnippets), Snippets: v.snippets(k, v.GRPCPort)}
	m.Ports, m.PortOdd = v.ports()
	return v.render(views.SnippetsPage(m))
}

// ports says which ports clients need, and, where gRPC is not where SDKs look for it, that too.
func (v *visit) ports() (said, odd string) {
	w := &v.w.Config
	said = words.Fill(w.SnippetPorts, strconv.Itoa(v.Port), strconv.Itoa(v.GRPCPort))
	if v.GRPCPort != v.Port+settings.GRPCOffset {
		odd = words.Fill(w.SnippetPortOdd, strconv.Itoa(v.GRPCPort), strconv.Itoa(v.Port+settings.GRPCOffset))
	}
	return said, odd
}

// clientHost returns the host at which the reader reached this server, which is where their applications most likely do.
func (v *visit) clientHost() string {
	u, err := url.Parse(origin(v.c, v.Settings.HTTPAddr))
	if err != nil {
		return "127.0.0.1"
	}
	return u.Hostname()
}

// serverAddr is host:port as SDKs are told it.
func (v *visit) serverAddr() string { return net.JoinHostPort(v.clientHost(), strconv.Itoa(v.Port)) }

// readURL is where curl reads the content of k as it was published or, where only the new API is on, an answer that has it.
func (v *visit) readURL(k config.Key) string {
	at := origin(v.c, v.Settings.HTTPAddr)
	if !v.Settings.APICompatClient {
		return at + "/nacos/v3/client/cs/config?" + url.Values{"dataId": {k.DataID}, "groupName": {k.Group}, "namespaceId": {k.Namespace}}.Encode()
	}
	q := url.Values{"dataId": {k.DataID}, "group": {k.Group}}
	if k.Namespace != resource.DefaultNamespace {
		q.Set("tenant", k.Namespace)
	}
	return at + "/nacos/v1/cs/configs?" + q.Encode()
}

// publishCommand is what publishes content as k from a shell.
func (v *visit) publishCommand(k config.Key, content string) string {
	at := origin(v.c, v.Settings.HTTPAddr)
	if !v.Settings.APICompatAdmin || !v.Settings.APICompatClient {
		return fmt.Sprintf("curl -X POST '%s/nacos/v3/admin/cs/config' \\\n  -d 'namespaceId=%s&groupName=%s&dataId=%s' \\\n  --data-urlencode 'content=%s'", at, k.Namespace, k.Group, k.DataID, content)
	}
	in := ""
	if k.Namespace != resource.DefaultNamespace {
		in = "tenant=" + k.Namespace + "&"
	}
	return fmt.Sprintf("curl -X POST '%s/nacos/v1/cs/configs' \\\n  -d '%sdataId=%s&group=%s' \\\n  --data-urlencode 'content=%s'", at, in, k.DataID, k.Group, content)
}

// snippets are code that reads k and is told of its changes, with the addresses of this server; gRPC is reached on port
// grpc. Names of configurations have no character that a string or a shell would take for another.
func (v *visit) snippets(k config.Key, grpc int) []views.Snippet {
	w := &v.w.Config
	ns := k.Namespace
	if ns == resource.DefaultNamespace {
		ns = "" // as SDKs call it
	}
	usual := grpc == v.Port+settings.GRPCOffset
	// if its condition holds, a line is there.
	line := func(there bool, text string) string {
		if there {
			return text
		}
		return ""
	}
	beyond := strconv.Itoa(grpc - v.Port)
	offset := "-Dnacos.server.grpc.port.offset=" + beyond
	fill := strings.NewReplacer(
		"{addr}", v.serverAddr(), "{host}", v.clientHost(), "{port}", strconv.Itoa(v.Port), "{ns}", ns, "{group}", k.Group, "{dataId}", k.DataID, "{read}", v.readURL(k),
		"{spring-ns}", line(ns != "", "spring.cloud.nacos.config.namespace="+ns+"\n"),
		"{java-ns}", line(ns != "", "        p.put(\"namespace\", \""+ns+"\");\n"),
		"{java-port}", line(!usual, "        // start with "+offset+"\n"), "{spring-port}", line(!usual, "# start with "+offset+"\n"),
		"{go-port}", line(!usual, ", GrpcPort: "+strconv.Itoa(grpc)),
		"{dubbo-ns}", line(ns != "", "dubbo.config-center.namespace="+ns+"\n"),
		"{python-import}", line(!usual, "GRPCConfig, "), "{python-port}", line(!usual, ".grpc_config(GRPCConfig(port_offset="+beyond+"))"),
		"{python-ns}", line(ns != "", ".namespace_id(\""+ns+"\")"),
		"{node-ns}", line(ns != "", "  namespace: '"+ns+"',\n"),
	)
	list := []views.Snippet{
		{ID: "spring", Title: "Spring Boot", Install: springInstall, Code: springCode, Note: w.SnippetFormat},
		{ID: "java", Title: "Java", Install: javaInstall, Code: javaCode},
		{ID: "go", Title: "Go", Install: "go get github.com/nacos-group/nacos-sdk-go/v2@v2.3.2", Code: goCode},
		{ID: "python", Title: "Python", Install: "pip install nacos-sdk-python==3.2.0", Code: pythonCode},
		{ID: "node", Title: "Node.js", Install: "npm install nacos@2.6.3", Code: nodeCode, Note: w.SnippetPoll},
		{ID: "dubbo", Title: "Dubbo", Install: dubboInstall, Code: dubboCode, Note: w.SnippetDubbo},
		{ID: "curl", Title: "curl", Code: "curl '{read}'", Note: w.SnippetAPI},
	}
	for i := range list {
		list[i].Code = fill.Replace(list[i].Code)
	}
	return list
}

const (
	springInstall = `<dependency>
  <groupId>com.alibaba.cloud</groupId>
  <artifactId>spring-cloud-starter-alibaba-nacos-config</artifactId>
</dependency>`
	springCode = `# application.properties
{spring-port}spring.cloud.nacos.config.server-addr={addr}
{spring-ns}spring.cloud.nacos.config.group={group}
spring.config.import=nacos:{dataId}?refreshEnabled=true`

	javaInstall = `<dependency>
  <groupId>com.alibaba.nacos</groupId>
  <artifactId>nacos-client</artifactId>
  <version>3.1.1</version>
</dependency>`
	javaCode = `import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.config.ConfigService;
import com.alibaba.nacos.api.config.listener.Listener;
import java.util.Properties;
import java.util.concurrent.Executor;

public class Example {
    public static void main(String[] args) throws Exception {
{java-port}        Properties p = new Properties();
        p.put("serverAddr", "{addr}");
{java-ns}        ConfigService configs = NacosFactory.createConfigService(p);
        System.out.println(configs.getConfig("{dataId}", "{group}", 5000));
        configs.addListener("{dataId}", "{group}", new Listener() {
            public Executor getExecutor() {
                return null;
            }

            public void receiveConfigInfo(String content) {
                System.out.println("changed: " + content);
            }
        });
        Thread.currentThread().join();
    }
}`

	goCode = `package main

import (
	"fmt"
	"log"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

func main() {
	configs, err := clients.NewConfigClient(vo.NacosClientParam{
		ClientConfig:  &constant.ClientConfig{NamespaceId: "{ns}", TimeoutMs: 5000, NotLoadCacheAtStart: true},
		ServerConfigs: []constant.ServerConfig{{IpAddr: "{host}", Port: {port}{go-port}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	content, err := configs.GetConfig(vo.ConfigParam{DataId: "{dataId}", Group: "{group}"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(content)
	err = configs.ListenConfig(vo.ConfigParam{DataId: "{dataId}", Group: "{group}", OnChange: func(_, _, _, content string) {
		fmt.Println("changed:", content)
	}})
	if err != nil {
		log.Fatal(err)
	}
	select {}
}`

	pythonCode = `import asyncio

from v2.nacos import ClientConfigBuilder, ConfigParam, {python-import}NacosConfigService


async def changed(tenant, group, data_id, content):
    print("changed:", content)


async def main():
    config = ClientConfigBuilder().server_address("{addr}"){python-ns}{python-port}.build()
    configs = await NacosConfigService.create_config_service(config)
    print(await configs.get_config(ConfigParam(data_id="{dataId}", group="{group}")))
    await configs.add_listener("{dataId}", "{group}", changed)
    await asyncio.Event().wait()


asyncio.run(main())`

	nodeCode = `import nacos from 'nacos'

const configs = new nacos.NacosConfigClient({
  serverAddr: '{addr}',
{node-ns}})
await configs.ready()
console.log(await configs.getConfig('{dataId}', '{group}'))
configs.subscribe({ dataId: '{dataId}', group: '{group}' }, (content) => console.log('changed:', content))`

	dubboInstall = `<dependency>
  <groupId>org.apache.dubbo</groupId>
  <artifactId>dubbo</artifactId>
  <version>3.3.5</version>
</dependency>
<dependency>
  <groupId>com.alibaba.nacos</groupId>
  <artifactId>nacos-client</artifactId>
  <version>2.5.1</version>
</dependency>`
	dubboCode = `# dubbo.properties, or application.properties of Spring Boot
{spring-port}dubbo.config-center.address=nacos://{addr}
{dubbo-ns}dubbo.config-center.group={group}
dubbo.config-center.config-file={dataId}`
)
