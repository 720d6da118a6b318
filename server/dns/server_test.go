package dns_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/miekg/dns"

	"nacre/server/servertest"
	"nacre/server/settings"
)

func TestAServerAnswersDNSWhereItIsToldTo(t *testing.T) {
	s := servertest.Start(t, servertest.With(func(s *settings.Settings) { s.DNSAddr = "127.0.0.1:0" }))
	res, err := http.Post(s.URL+"/nacos/v1/ns/instance?serviceName=orders&ip=10.0.0.7&port=8080&weight=3", "", nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	for _, network := range []string{"udp", "tcp"} {
		m, _, err := (&dns.Client{Net: network, Timeout: 5 * time.Second}).Exchange(new(dns.Msg).SetQuestion("orders.DEFAULT_GROUP.public.nacre.", dns.TypeSRV), s.DNS)
		if err != nil || len(m.Answer) != 1 {
			t.Fatalf("over %s: %v %v", network, m, err)
		}
		if srv := m.Answer[0].(*dns.SRV); srv.Port != 8080 || srv.Weight != 300 || srv.Target != "10-0-0-7.ip.nacre." {
			t.Errorf("over %s: %s", network, srv)
		}
	}
	if other := servertest.Start(t); other.DNS != "" {
		t.Errorf("a server that was told nothing answers DNS at %s", other.DNS)
	}
}
