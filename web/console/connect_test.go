package console_test

import (
	"net"
	"strings"
	"testing"

	"nacre/server/config/delivery"
)

func TestTheConnectPageHasTheAddressesOfThisServer(t *testing.T) {
	s := signedIn(t)
	s.namespace("dev", "Development")
	_, http, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	_, grpc, _ := net.SplitHostPort(s.GRPC)
	a := s.get("/console/connect?ns=dev&group=shop&dataId=cart.yaml").is(200, "127.0.0.1:"+http, "127.0.0.1:"+grpc, "TCP "+http+" and "+grpc, "No application is connected yet",
		"curl '"+s.URL+"/readyz'", "spring.cloud.nacos.config.server-addr=127.0.0.1:"+http, "spring.cloud.nacos.config.namespace=dev", `p.put("namespace", "dev")`, "GrpcPort: "+grpc,
		"nacos:cart.yaml?refreshEnabled=true", "dubbo.config-center.config-file=cart.yaml", "<artifactId>dubbo</artifactId> <version>3.3.5</version>", "namespace: 'dev'", `.namespace_id("dev")`, "listen "+grpc)
	for _, sdk := range []string{"Spring Boot", "Java", "Go", "Python", "Node.js", "Dubbo", "curl"} {
		a.is(200, sdk)
	}
	s.get("/console/connect?ports=one").is(200, "GrpcPort: "+http, "port_offset=0", "-Dnacos.server.grpc.port.offset=0", "leave it out").hides("namespace=public")
	s.connects(delivery.Client{ID: "c1", IP: "10.1.2.3", SDK: "Nacos-Java-Client:v3.1.1"})
	s.get("/console/connect").is(200, "Connected: 1; the latest from 10.1.2.3 with Nacos-Java-Client:v3.1.1, just now")
	s.get("/console/connect", "Accept-Language", "zh-CN").is(200, "接入应用", "已连接 1 个")
}

func TestWhatIsNoNameDoesNotGetIntoCode(t *testing.T) {
	s := signedIn(t)
	for _, query := range []string{"dataId=a%27%3Brm", "group=%24(x)", "dataId=a%0Ab"} {
		a := s.get("/console/connect?"+query).is(400, "hello.properties")
		for _, bad := range []string{"';rm'", "$(x)'", `"a"b"`} {
			if strings.Contains(text(a.body), bad) {
				t.Errorf("%s: a command has %s", query, bad)
			}
		}
	}
	s.get("/console/connect?ns=a%22b").is(400, "a character that is not allowed").hides("hello.properties")
}
