package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nacre/server/clock"
	"nacre/server/config"
	"nacre/server/config/delivery"
	"nacre/server/fault"
	"nacre/server/rpc/rpctest"
)

func TestAServerCheckNeedsNoIntroduction(t *testing.T) {
	_, addr := serving(t)
	p := meet(t, addr, false, rpctest.Options{NoSetup: true})
	m := p.call("ServerCheckRequest", `{"requestId":"77"}`)
	want := regexp.MustCompile(`^\{"resultCode":200,"errorCode":0,"connectionId":"\d{13}_127\.0\.0\.1_\d+","supportAbilityNegotiation":true,"success":true\}$`)
	if m.Type != "ServerCheckResponse" || m.ClientIP != "" || m.Headers != nil || !want.Match(m.Body) || m.Text("connectionId") != p.ConnectionID {
		t.Errorf("%+v %s", m, m.Body)
	}
}

func TestAbilitiesAreAcknowledgedToThoseAloneWhoSentSome(t *testing.T) {
	s, addr := serving(t)
	for _, r := range []struct {
		name      string
		abilities any
		acked     bool
	}{
		{"a table", map[string]bool{"fuzzyWatch": true}, true},
		{"an empty table", map[string]bool{}, true},
		{"none, as Go and C#, whose reader ends when it is sent one", nil, false},
	} {
		t.Run(r.name, func(t *testing.T) {
			p := meet(t, addr, false, rpctest.Options{Setup: setupWith(r.abilities, sdk)})
			s.Conn(p.ConnectionID).Reset("", "", nil) // whatever was sent before is there before it
			first := <-p.sent
			if (first.Type == "SetupAckRequest") != r.acked {
				t.Fatal(first)
			}
			if r.acked && (first.Field("requestId") != nil || first.Field("abilityTable") == nil || first.Field("headers") == nil) {
				t.Error(first)
			}
		})
	}
}

func TestARequestIsCheckedInTheOrderOfNacos(t *testing.T) {
	var starting bool
	_, addr := serving(t, func(cfg *Config) {
		cfg.Ready = func() error {
			if starting {
				return fault.New(fault.Unavailable, "starting")
			}
			return nil
		}
	})
	stranger := meet(t, addr, false, rpctest.Options{NoSetup: true})
	client := meet(t, addr, false, rpctest.Options{})
	for _, r := range []struct {
		name     string
		starting bool
		p        *guest
		typ      string
		body     string
		code     int
	}{
		{"a type between servers while starting", true, stranger, "DistroDataRequest", `{}`, 502},
		{"a type between servers from a client", false, client, "ServerReloadRequest", `{}`, 502},
		{"ConfigChangeClusterSyncRequest from a client", false, client, "ConfigChangeClusterSyncRequest", `{}`, 502},
		{"MemberReportRequest from a client", false, client, "MemberReportRequest", `{}`, 502},
		{"ServerLoaderInfoRequest from a client", false, client, "ServerLoaderInfoRequest", `{}`, 502},
		{"a server check while starting", true, stranger, "ServerCheckRequest", `{}`, 300},
		{"a request while starting", true, client, "ConfigQueryRequest", `{"dataId":"a","group":"g"}`, 300},
		{"an unknown type while starting", true, client, "NoSuchRequest", `{}`, 300},
		{"an unknown type of a stranger", false, stranger, "NoSuchRequest", `{}`, 302},
		{"an unknown type", false, client, "NoSuchRequest", `{}`, 302},
		{"a blank type", false, client, "", `{}`, 302},
		{"a response", false, client, "ConfigQueryResponse", `{}`, 302},
		{"an old acknowledgement", false, client, "PushAckRequest", `{"requestId":"1","success":true}`, 302},
		{"a push", false, client, "ConfigChangeNotifyRequest", `{}`, 302},
		{"an introduction that is no stream's", false, client, "ConnectionSetupRequest", `{}`, 302},
		{"a health check of a stranger", false, stranger, "HealthCheckRequest", `{}`, 301},
		{"a query of a stranger that can't be read", false, stranger, "ConfigQueryRequest", `{`, 301},
		{"a query that can't be read", false, client, "ConfigQueryRequest", `{`, 502},
		{"an empty body", false, client, "ConfigQueryRequest", ``, 502},
		{"an object for a text", false, client, "ConfigQueryRequest", `{"dataId":{},"group":"g"}`, 502},
		{"a text that is no truth value", false, client, "ConfigBatchListenRequest", `{"listen":"x"}`, 502},
	} {
		starting = r.starting
		m := r.p.call(r.typ, r.body)
		if m.Type != "ErrorResponse" || m.Int("resultCode") != 500 || m.Int("errorCode") != r.code || m.Field("success") != false || m.Text("message") == "" || m.Field("requestId") != nil {
			t.Errorf("%s: %s, want an ErrorResponse with 500 and %d", r.name, m, r.code)
		}
		if r.code == 300 && m.Text("message") != "Server is starting,please try later." {
			t.Errorf("%s: %s", r.name, m)
		}
	}
	starting = false
	if m := client.call("HealthCheckRequest", `{}`); m.Type != "HealthCheckResponse" || string(m.Body) != okBody {
		t.Error(m)
	}
}

func TestAStreamThatIsOpenedWhileStartingEndsInOrder(t *testing.T) {
	s, addr := serving(t)
	p := meet(t, addr, false, rpctest.Options{NoSetup: true})
	s.cfg.Ready = func() error { return errors.New("starting") }
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	if err := p.Send("ConnectionSetupRequest", rpctest.JavaSetup("a")); err != nil {
		t.Fatal(err)
	}
	if err := p.over(); !errors.Is(err, io.EOF) || len(p.sent) != 0 {
		t.Errorf("it ended with %v, after %d messages, want status 0 and none", err, len(p.sent))
	}
	until(t, func() error {
		if n := s.Stats().Open; n != 0 {
			return fmt.Errorf("%d connections are open", n)
		}
		return nil
	})
}

func TestASecondIntroductionIsAcknowledgedAndChangesNothing(t *testing.T) {
	s, addr := serving(t)
	p := meet(t, addr, false, rpctest.Options{})
	p.next("SetupAckRequest")
	p.call("ConfigBatchListenRequest", `{"configListenContexts":[{"dataId":"a","group":"g","md5":""}]}`)
	before := s.Conn(p.ConnectionID)
	if err := p.Send("ConnectionSetupRequest", rpctest.JavaSetup("another")); err != nil {
		t.Fatal(err)
	}
	p.next("SetupAckRequest")
	if c := s.Conn(p.ConnectionID); c != before || c.Client.App != "test" {
		t.Error("it is another client now")
	}
	p.call("ConfigPublishRequest", `{"dataId":"a","group":"g","content":"x"}`)
	p.next("ConfigChangeNotifyRequest")
}

func TestAnotherStreamOnTheSameConnectionTakesItOver(t *testing.T) {
	s, addr := serving(t)
	p := meet(t, addr, false, rpctest.Options{})
	before := s.Conn(p.ConnectionID)
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	if err := p.Send("ConnectionSetupRequest", rpctest.JavaSetup("again")); err != nil {
		t.Fatal(err)
	}
	until(t, func() error {
		if c := s.Conn(p.ConnectionID); c == nil || c == before {
			return errors.New("it was not taken over")
		}
		return nil
	})
	registered(t, s, 1)
	if n := s.sdks.Load(); n != 1 || before.Open() {
		t.Errorf("%d clients are counted", n)
	}
	if m := p.call("HealthCheckRequest", `{}`); m.Int("resultCode") != 200 {
		t.Error(m)
	}
}

func TestAClientThatLeavesIsForgottenAtOnce(t *testing.T) {
	s, addr := serving(t)
	key := config.Key{Namespace: "public", Group: "g", DataID: "a"}
	for name, leave := range map[string]func(p *guest){
		"it closes its side, as Java": func(p *guest) {
			if err := p.CloseSend(); err != nil {
				t.Fatal(err)
			}
			if err := p.over(); !errors.Is(err, io.EOF) {
				t.Errorf("answered with %v, want status 0", err)
			}
			if m := p.call("HealthCheckRequest", `{}`); m.Int("errorCode") != 301 {
				t.Errorf("a client without a stream: %s", m)
			}
		},
		"it cancels and closes, as Go and Python": func(p *guest) { p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			p := meet(t, addr, false, rpctest.Options{})
			p.call("ConfigBatchListenRequest", `{"configListenContexts":[{"dataId":"a","group":"g","md5":""}]}`)
			if n := len(s.cfg.Ledger.OfConfig(key)); n != 1 {
				t.Fatalf("%d listen", n)
			}
			leave(p)
			registered(t, s, 0)
			until(t, func() error {
				if n := len(s.cfg.Ledger.OfConfig(key)); n != 0 {
					return fmt.Errorf("%d listen still", n)
				}
				return nil
			})
		})
	}
}

func TestSilentClientsAreAskedForASignOfLife(t *testing.T) {
	s, addr := serving(t)
	lively := meet(t, addr, false, rpctest.Options{})
	odd := meet(t, addr, true, rpctest.Options{Setup: setupWith(nil, sdk)})
	mute := meet(t, addr, true, rpctest.Options{})
	busy := meet(t, addr, true, rpctest.Options{})
	lookAhead(s, silentFor-time.Second)
	lookAhead(s, silentFor+time.Second)
	for _, p := range []*guest{lively, odd, mute, busy} {
		m := p.next("ClientDetectionRequest")
		if id := m.Text("requestId"); !regexp.MustCompile(`^\d+$`).MatchString(id) || m.Field("headers") == nil {
			t.Error(m)
		}
		if p == odd { // Go acknowledges everything in the words of naming, and says that it failed
			if err := p.Send("NotifySubscriberResponse", []byte(`{"requestId":"`+m.Text("requestId")+`","resultCode":200,"success":false}`)); err != nil {
				t.Fatal(err)
			}
		}
	}
	busy.call("HealthCheckRequest", `{}`) // a request is a sign as well
	until(t, func() error {
		for _, p := range []*guest{lively, odd} {
			if c := s.Conn(p.ConnectionID); c == nil || c.detecting.Load() {
				return errors.New("its answer was not heard")
			}
		}
		return nil
	})
	if c := s.Conn(mute.ConnectionID); c == nil || !c.detecting.Load() {
		t.Fatal("it was given up before its time")
	}
	lookAhead(s, detectTimeout+time.Second) // the time for an answer is over
	_ = mute.over()
	if m := lively.call("HealthCheckRequest", `{}`); m.Int("resultCode") != 200 {
		t.Error(m)
	}
	for name, p := range map[string]*guest{"lively": lively, "odd": odd, "busy": busy} {
		if s.Conn(p.ConnectionID) == nil {
			t.Errorf("the %s client was closed", name)
		}
	}
	registered(t, s, 3)
	if n := s.Stats().Silent; n != 1 {
		t.Errorf("%d were closed", n)
	}
}

func TestOfManyWhoAnswerNoneIsClosed(t *testing.T) {
	s, addr := serving(t)
	const n = 40
	for range n {
		meet(t, addr, false, rpctest.Options{}) // Nacos closes the last one to answer now and then
	}
	lookAhead(s, silentFor+time.Second)
	until(t, func() error {
		for _, c := range s.Conns() {
			if c.detecting.Load() {
				return errors.New("not all answered")
			}
		}
		return nil
	})
	lookAhead(s, detectTimeout+time.Second)
	if got := s.Stats().Registered; got != n {
		t.Errorf("%d of %d are left", got, n)
	}
}

func TestWhoNeverIntroducesItselfIsClosed(t *testing.T) {
	s, addr := serving(t)
	p := meet(t, addr, false, rpctest.Options{NoSetup: true})
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	if err := p.Send("NotifySubscriberResponse", []byte(`{"requestId":"1","resultCode":200}`)); err != nil {
		t.Fatal(err)
	}
	lookAhead(s, setupTimeout-time.Second)
	p.call("ServerCheckRequest", `{}`)
	lookAhead(s, setupTimeout+time.Second)
	_ = p.over()
}

func TestAResetNamesAServerOrLeavesTheChoice(t *testing.T) {
	s, addr := serving(t)
	p := meet(t, addr, false, rpctest.Options{})
	agreed := make(chan bool, 2)
	s.Conn(p.ConnectionID).Reset("", "", func(ok bool) { agreed <- ok })
	m := p.next("ConnectResetRequest")
	if m.Field("serverIp") != nil || m.Field("serverPort") != nil || m.Field("connectionId") != nil || m.Text("requestId") == "" || !<-agreed {
		t.Errorf("without an address: %s", m)
	}
	s.Conn(p.ConnectionID).Reset("10.0.0.9", "8848", func(ok bool) { agreed <- ok })
	m = p.next("ConnectResetRequest")
	if m.Field("serverIp") != "10.0.0.9" || m.Field("serverPort") != "8848" || !<-agreed {
		t.Errorf("with an address: %s", m)
	}
}

func TestSurplusSDKsAreAskedToGoElsewhere(t *testing.T) {
	s, addr := serving(t)
	var asked sync.WaitGroup
	asked.Add(2)
	count := func(m rpctest.Message) bool {
		if m.Type == "ConnectResetRequest" && m.Text("serverIp") == "10.0.0.9" {
			asked.Done()
		}
		return true
	}
	for range 5 {
		meet(t, addr, false, rpctest.Options{Push: count})
	}
	meet(t, addr, false, rpctest.Options{Setup: setupWith(nil, map[string]string{"source": "cluster"}), Push: count})
	if n := s.Reload(3, "10.0.0.9", "8848"); n != 2 {
		t.Errorf("%d were asked", n)
	}
	asked.Wait()
	if n := s.Reload(10, "", ""); n != 0 {
		t.Errorf("%d were asked", n)
	}
}

func TestTheClientsAddressIsWhatItsIntroductionSays(t *testing.T) {
	s, addr := serving(t)
	for _, r := range []struct{ claimed, want string }{
		{"10.1.2.3", "10.1.2.3"}, {"not an address", "not an address"}, {strings.Repeat("1", 65), "127.0.0.1"},
	} {
		p := meet(t, addr, false, rpctest.Options{IP: r.claimed})
		c := s.Conn(p.ConnectionID)
		if c.Client.IP != r.want || !strings.HasPrefix(c.Client.Remote, "127.0.0.1:") {
			t.Errorf("%q became %q at %s", r.claimed, c.Client.IP, c.Client.Remote)
		}
	}
}

func TestConnectionsAboveALimitAreRefusedInOrder(t *testing.T) {
	for _, r := range []struct {
		name   string
		limits Limits
		third  string // the address of the client that is refused
		fits   string // that of one that is taken after it, "" for none
	}{
		{"in all", Limits{Connections: 2}, "10.0.0.2", ""},
		{"from one address", Limits{PerIP: 2}, "10.0.0.1", "10.0.0.2"},
	} {
		t.Run(r.name, func(t *testing.T) {
			s, addr := serving(t, func(cfg *Config) { cfg.Limits = r.limits })
			first := meet(t, addr, false, rpctest.Options{IP: "10.0.0.1"})
			meet(t, addr, false, rpctest.Options{IP: "10.0.0.1"})
			p := meet(t, addr, false, rpctest.Options{IP: r.third, NoSetup: true})
			if err := p.Open(); err != nil {
				t.Fatal(err)
			}
			if err := p.Send("ConnectionSetupRequest", rpctest.JavaSetup("a")); err != nil {
				t.Fatal(err)
			}
			if err := p.over(); !errors.Is(err, io.EOF) || len(p.sent) != 0 {
				t.Errorf("it ended with %v after %d messages, want status 0 and none", err, len(p.sent))
			}
			if n := s.Stats().Refused; n != 1 {
				t.Errorf("%d were refused", n)
			}
			// Servers are not limited.
			meet(t, addr, false, rpctest.Options{IP: r.third, Setup: setupWith(nil, map[string]string{"source": "cluster"})})
			if r.fits != "" {
				meet(t, addr, false, rpctest.Options{IP: r.fits})
			}
			first.Close()
			until(t, func() error {
				if s.sdks.Load() > 2 || s.Conn(first.ConnectionID) != nil {
					return errors.New("it is still counted")
				}
				return nil
			})
			meet(t, addr, false, rpctest.Options{IP: "10.0.0.1"})
		})
	}
}

func TestRequestsAboveTheRateAreHeldBackAndRefused(t *testing.T) {
	_, addr := serving(t, func(cfg *Config) { cfg.Limits.Rate = 3 })
	p := meet(t, addr, false, rpctest.Options{})
	began := clock.Mono()
	var m rpctest.Message
	for range 4 {
		m = p.call("ConfigQueryRequest", `{"dataId":"a","group":"g"}`)
	}
	if m.Type != "ConfigQueryResponse" || m.Int("resultCode") != 500 || m.Int("errorCode") != 503 || m.Int("lastModified") != 0 || m.Field("beta") != false {
		t.Error(m)
	}
	if d := clock.Mono().Sub(began); d < overDelay {
		t.Errorf("answered after %v", d)
	}
}

func TestAtTheEndEveryClientIsAskedToGoAndTheirConnectionsEnd(t *testing.T) {
	s, addr := serving(t)
	clients := []*guest{meet(t, addr, false, rpctest.Options{}), meet(t, addr, true, rpctest.Options{}), meet(t, addr, false, rpctest.Options{Setup: setupWith(nil, sdk)})}
	began := clock.Mono()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := clock.Mono().Sub(began); d > shutdownWait+time.Second {
		t.Errorf("it took %v: one who does not answer held it up", d)
	}
	for _, p := range clients {
		p.next("ConnectResetRequest")
		_ = p.over()
	}
	if st := s.Stats(); st.Open != 0 || st.Registered != 0 {
		t.Errorf("%+v", st)
	}
	if _, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		t.Error("it still listens")
	}
}

// Go's SDK asks whether the server is well before it follows a reset, and takes 300 to 399 for yes.
func TestAServerThatStopsDoesNotSayThatItIsWell(t *testing.T) {
	s, addr := serving(t)
	p := meet(t, addr, true, rpctest.Options{}) // who acknowledges nothing has a second left
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	p.next("ConnectResetRequest")
	if m := p.call("HealthCheckRequest", `{}`); m.Int("resultCode") != 500 || m.Int("errorCode") != 500 {
		t.Error(m)
	}
	if m := p.call("ServerCheckRequest", `{}`); m.Int("resultCode") != 500 || m.Int("errorCode") != 300 {
		t.Errorf("of whoever comes: %s", m) // 500 would be taken for a yes by Go's SDK, which then waits for nothing
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestNothingIsLeftOfAThousandClients(t *testing.T) {
	s, addr := serving(t)
	meet(t, addr, false, rpctest.Options{}).Close()
	registered(t, s, 0)
	before := goleak.IgnoreCurrent()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 125 {
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				c, err := rpctest.Dial(ctx, addr, rpctest.Options{})
				if err == nil {
					_, err = c.Call(ctx, "ConfigBatchListenRequest", []byte(`{"configListenContexts":[{"dataId":"a","group":"g","md5":""},{"dataId":"b","group":"g","md5":"x"}]}`))
					if i%2 == 0 {
						_ = c.CloseSend()
					}
					c.Close()
				}
				cancel()
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	registered(t, s, 0)
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
	if st := s.Stats(); st.Open != 0 || s.sdks.Load() != 0 || len(s.perIP) != 0 {
		t.Errorf("%+v, %d, %v", st, s.sdks.Load(), s.perIP)
	}
	sum := s.cfg.Ledger.Summary()
	sum.Pushes, sum.Acks, sum.Resent = 0, 0, 0 // they count what was; a client that was slow to leave may have been told of b again
	if sum != (delivery.Summary{}) {
		t.Errorf("the ledger knows %+v", sum)
	}
}
