package rpc

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"nacre/server/config"
	"nacre/server/rpc/payload"
)

// content is a configuration of 1 KiB, as most are.
var content = strings.Repeat("spring.datasource.url=jdbc:mysql://db/orders\\n", 22)

func publishNow(tb testing.TB, s *Server, l *link, body string) {
	tb.Helper()
	r := s.answer(context.Background(), l, request("ConfigPublishRequest", body))
	if m, err := payload.Decode(r.b); err != nil || string(m.Body) != okBody {
		tb.Fatalf("%v %s", err, m.Body)
	}
}

const javaQuery = `{"headers":{},"dataId":"orders.properties","group":"DEFAULT_GROUP","tenant":"public","notify":false,"module":"config"}`

// BenchmarkQuery is a query as the dispatch gets it, of a content that was asked for before.
func BenchmarkQuery(b *testing.B) {
	s := inMemory(b)
	l, _ := attached(s, "10.1.2.3")
	publishNow(b, s, l, `{"dataId":"orders.properties","group":"DEFAULT_GROUP","content":"`+content+`"}`)
	envelope := payload.Encode("ConfigQueryRequest", "10.1.2.3", []byte(javaQuery))
	b.ReportAllocs()
	for b.Loop() {
		m, err := payload.Decode(envelope)
		if err != nil {
			b.Fatal(err)
		}
		if r := s.answer(context.Background(), l, &m); len(r.b) < len(content) {
			b.Fatal("no content")
		}
	}
}

// BenchmarkQueryOfAGrayVersion is one of a variant that the client's address matches.
func BenchmarkQueryOfAGrayVersion(b *testing.B) {
	s := inMemory(b)
	l, _ := attached(s, "10.1.2.3")
	publishNow(b, s, l, `{"dataId":"orders.properties","group":"DEFAULT_GROUP","content":"formal"}`)
	publishNow(b, s, l, `{"dataId":"orders.properties","group":"DEFAULT_GROUP","content":"`+content+`","additionMap":{"betaIps":"10.1.2.3"}}`)
	m := request("ConfigQueryRequest", javaQuery)
	b.ReportAllocs()
	for b.Loop() {
		if r := s.answer(context.Background(), l, m); len(r.b) < len(content) {
			b.Fatal("no content")
		}
	}
}

// BenchmarkPublish is a publish up to where it would be made durable, which nobody listens for.
func BenchmarkPublish(b *testing.B) {
	s := inMemory(b)
	l, _ := attached(s, "10.1.2.3")
	m := request("ConfigPublishRequest", `{"headers":{},"dataId":"orders.properties","group":"DEFAULT_GROUP","tenant":"public","content":"`+content+`","additionMap":{"encryptedDataKey":"","type":"yaml"},"module":"config"}`)
	b.ReportAllocs()
	for b.Loop() {
		if r := s.answer(context.Background(), l, m); &r.b[0] != &published.b[0] {
			b.Fatalf("%s", r.b)
		}
	}
}

// BenchmarkListen is the repeated listen of a client with 10 configurations, of which none changed.
func BenchmarkListen(b *testing.B) {
	s := inMemory(b)
	l, _ := attached(s, "10.1.2.3")
	var contexts []string
	for i := range 10 {
		publishNow(b, s, l, fmt.Sprintf(`{"dataId":"a%d","group":"DEFAULT_GROUP","content":"x"}`, i))
		contexts = append(contexts, fmt.Sprintf(`{"group":"DEFAULT_GROUP","md5":"%s","dataId":"a%d","tenant":"public"}`, config.MD5([]byte("x")), i))
	}
	m := request("ConfigBatchListenRequest", `{"headers":{},"listen":true,"configListenContexts":[`+strings.Join(contexts, ",")+`],"module":"config"}`)
	b.ReportAllocs()
	for b.Loop() {
		if r := s.answer(context.Background(), l, m); &r.b[0] != &unheard.b[0] {
			b.Fatalf("%s", r.b)
		}
	}
}

// BenchmarkPush is a change that 1,000 clients are told of and acknowledge, without sockets. One operation is one
// push; the publish is among what it counts.
func BenchmarkPush(b *testing.B) {
	const clients = 1000
	s := inMemory(b)
	l, conns := listeners(b, s, clients)
	w := worker{srv: s}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%clients == 0 {
			publishNow(b, s, l, fmt.Sprintf(`{"dataId":"a","group":"G","content":"%d"}`, n))
		}
		c := conns[n%clients]
		if w.push(c); len(w.batch) != 1 {
			b.Fatalf("%d pushes", len(w.batch))
		}
		c.answered(w.memo[(w.turn+len(w.memo)-1)%len(w.memo)].id, true, nil)
	}
}

// listeners returns connections that listen for one configuration, and a link of another client.
func listeners(tb testing.TB, s *Server, n int) (*link, []*Conn) {
	tb.Helper()
	publisher, _ := attached(s, "10.9.9.9")
	conns := make([]*Conn, n)
	for i := range conns {
		var l *link
		l, conns[i] = attached(s, fmt.Sprintf("10.1.%d.%d", i/250, i%250))
		tenant := []string{`"tenant":"public",`, ``, `"tenant":"",`}[i%3]
		s.answer(context.Background(), l, request("ConfigBatchListenRequest", `{"configListenContexts":[{"dataId":"a","group":"G",`+tenant+`"md5":""}]}`))
	}
	return publisher, conns
}

func TestAllWhoAreToldOfOneChangeGetTheSameBytes(t *testing.T) {
	s := inMemory(t)
	l, conns := listeners(t, s, 300)
	w := worker{srv: s}
	for version := range 3 {
		publishNow(t, s, l, fmt.Sprintf(`{"dataId":"a","group":"G","content":"%d"}`, version))
		different := map[*byte]int{}
		for _, c := range conns {
			if w.push(c); len(w.batch) != 1 {
				t.Fatalf("%d pushes", len(w.batch))
			}
			different[&c.stream.(*sink).last[0]]++
		}
		if len(different) != 2 { // with the namespace, and without it
			t.Errorf("%d clients got %d different requests", len(conns), len(different))
		}
	}
}

func TestAllWhoAskForOneVersionGetTheSameBytes(t *testing.T) {
	s := inMemory(t)
	a, _ := attached(s, "10.1.2.3")
	b, _ := attached(s, "10.1.2.4")
	ask := func(l *link, body string) *byte {
		return &s.answer(context.Background(), l, request("ConfigQueryRequest", body)).b[0]
	}
	var before *byte
	for _, version := range []string{"1", "2"} {
		publishNow(t, s, a, `{"dataId":"a","group":"G","content":"`+version+`"}`)
		first := ask(a, `{"dataId":"a","group":"G"}`)
		if first == before || ask(b, `{"dataId":"a","group":"G","tenant":""}`) != first || ask(b, `{"dataId":"a","group":"G","tenant":"public"}`) != first {
			t.Error("the answers to queries of one version are not the same")
		}
		before = first
	}
	// The same content with another type is another answer.
	publishNow(t, s, a, `{"dataId":"a","group":"G","content":"2","additionMap":{"type":"json"}}`)
	if ask(a, `{"dataId":"a","group":"G"}`) == before {
		t.Error("the type of before is shown")
	}
	publishNow(t, s, a, `{"dataId":"a","group":"G","content":"3","additionMap":{"betaIps":"10.1.2.3"}}`)
	beta := ask(a, `{"dataId":"a","group":"G"}`)
	publishNow(t, s, a, `{"dataId":"a","group":"G","content":"2","additionMap":{"type":"yaml"}}`)
	if now := ask(a, `{"dataId":"a","group":"G"}`); now == beta {
		t.Error("a variant shows the type that the formal content had before")
	} else if m, err := payload.Decode(s.answer(context.Background(), a, request("ConfigQueryRequest", `{"dataId":"a","group":"G"}`)).b); err != nil || !strings.Contains(string(m.Body), `"contentType":"yaml"`) {
		t.Errorf("%v %s", err, m.Body)
	}
}

// TestAnswersThatAreKeptAreBounded fills the cache of answers several times over.
func TestAnswersThatAreKeptAreBounded(t *testing.T) {
	for _, r := range []struct {
		name                string
		size, keys, queries int
		least, most         int
	}{
		{"small contents", 30 << 10, 3000, 9000, bodyBudget / 4, bodyBudget + bodyBudget/8},
		{"large contents", 300 << 10, 200, 600, largeBudget / 4, largeBudget},
		{"contents of which each is too large", 9 << 20, 4, 12, 9 << 20, largeBudget},
	} {
		s := inMemory(t)
		l, _ := attached(s, "10.1.2.3")
		text := strings.Repeat("x", r.size)
		for i := range r.queries {
			if i < r.keys {
				publishNow(t, s, l, fmt.Sprintf(`{"dataId":"a%d","group":"G","content":"%s"}`, i, text))
			}
			for range 2 {
				if b := s.answer(context.Background(), l, request("ConfigQueryRequest", fmt.Sprintf(`{"dataId":"a%d","group":"G"}`, i%r.keys))).b; len(b) < r.size {
					t.Fatalf("%s: %s", r.name, b)
				}
			}
		}
		held := 0
		shards := []*bodyShard{&s.bodies.large}
		for i := range s.bodies.shards {
			shards = append(shards, &s.bodies.shards[i])
		}
		for _, sh := range shards {
			counted := 0
			for _, m := range []map[bodyKey]*body{sh.held, sh.old} {
				for k, x := range m {
					held += x.size(k)
				}
			}
			for k, x := range sh.held {
				counted += x.size(k)
			}
			if counted != sh.bytes {
				t.Errorf("%s: %d bytes are counted, %d are there", r.name, sh.bytes, counted)
			}
		}
		if held > r.most || held < r.least {
			t.Errorf("%s: %d KiB of answers are kept, %d are allowed", r.name, held>>10, r.most>>10)
		}
	}
}

// TestWhatOneQueryAndOnePushAllocate keeps the figures that the benchmarks count.
func TestWhatOneQueryAndOnePushAllocate(t *testing.T) {
	s := inMemory(t)
	l, conns := listeners(t, s, 200)
	publishNow(t, s, l, `{"dataId":"orders.properties","group":"DEFAULT_GROUP","content":"`+content+`"}`)
	m := request("ConfigQueryRequest", javaQuery)
	if n := testing.AllocsPerRun(200, func() { s.answer(context.Background(), l, m) }); n > 8 {
		t.Errorf("a query allocates %v times", n)
	}
	publishNow(t, s, l, `{"dataId":"a","group":"G","content":"x"}`)
	w, i := worker{srv: s}, 0
	if n := testing.AllocsPerRun(150, func() {
		w.push(conns[i])
		i++
	}); n > 8 {
		t.Errorf("a push allocates %v times", n)
	}
}
