package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"nacre/server/config"
	"nacre/server/rpc/payload"
)

// checkAnswer checks what is true of every answer, to whatever was asked.
func checkAnswer(t *testing.T, typ string, body []byte, r reply) map[string]any {
	t.Helper()
	m, err := payload.Decode(r.b)
	if err != nil {
		t.Fatalf("%s %q: the answer can't be read: %v", typ, body, err)
	}
	if got := string(m.Type); got != responseType(typ) && got != "ErrorResponse" {
		t.Fatalf("%s %q: the answer has the type %s", typ, body, got)
	}
	if len(m.ClientIP) != 0 || !utf8.Valid(m.Body) {
		t.Fatalf("%s %q: %q", typ, body, m.Body)
	}
	var fields map[string]any
	if err := json.Unmarshal(m.Body, &fields); err != nil {
		t.Fatalf("%s %q: %q is no JSON: %v", typ, body, m.Body, err)
	}
	result, code, success := fields["resultCode"], fields["errorCode"], fields["success"]
	if (result == 200.0) != (success == true) || (code == 0.0) != (success == true) || result == nil || code == nil || success == nil {
		t.Fatalf("%s %q: %q", typ, body, m.Body)
	}
	for name, v := range fields {
		if v == nil {
			t.Fatalf("%s %q: %s is null in %q", typ, body, name, m.Body)
		}
	}
	return fields
}

// fuzzRequest sends bodies of one type through what all calls pass, and calls check with the answers that say success.
func fuzzRequest(f *testing.F, typ string, seeds []string, check func(t *testing.T, s *Server, l *link, body []byte, fields map[string]any)) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	for _, seed := range []string{``, `{}`, `[]`, `{"dataId":`, `{"dataId":{"a":1}}`, `{"dataId":null,"group":7,"tenant":true}`} {
		f.Add([]byte(seed))
	}
	s := inMemory(f)
	l, c := attached(s, "10.1.2.3")
	for _, body := range []string{
		`{"dataId":"a","group":"G","content":"one","additionMap":{"type":"json"}}`, `{"dataId":"a","group":"G","content":"two","additionMap":{"tag":"t"}}`,
		`{"dataId":"b","group":"G","content":"three","additionMap":{"betaIps":"10.1.2.3"}}`,
	} {
		s.answer(context.Background(), l, request("ConfigPublishRequest", body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		envelope := payload.Encode(typ, "10.1.2.3", body)
		m, err := payload.Decode(envelope)
		if err != nil {
			t.Fatal(err)
		}
		sent := bytes.Clone(body)
		fields := checkAnswer(t, typ, body, s.answer(context.Background(), l, &m))
		if !bytes.Equal(m.Body, sent) {
			t.Fatalf("%q was changed to %q", sent, m.Body)
		}
		if check != nil && fields["success"] == true {
			check(t, s, l, body, fields)
		}
		for _, p := range c.Session.Take(nil, 1000) { // as the pusher does
			c.Session.Acked(p.Key, p.Revision)
		}
	})
}

func FuzzQuery(f *testing.F) {
	fuzzRequest(f, "ConfigQueryRequest", []string{
		`{"headers":{},"dataId":"a","group":"G","tenant":"","notify":false,"module":"config"}`, `{"dataId":"a","group":"G","tag":"t"}`,
		`{"dataId":"b","group":"G","tag":"x"}`, `{"dataId":"\u0061","group":"G","tenant":"public","other":[1,{"a":null}]}`,
	}, func(t *testing.T, _ *Server, _ *link, body []byte, fields map[string]any) {
		if content, _ := fields["content"].(string); fields["md5"] != config.MD5([]byte(content)) {
			t.Fatalf("%q: %v", body, fields)
		}
	})
}

func FuzzPublish(f *testing.F) {
	fuzzRequest(f, "ConfigPublishRequest", []string{
		`{"dataId":"p","group":"G","tenant":"public","content":"k: \"1\"\n\ud83d\udc1a","casMd5":"","additionMap":{"type":"yaml","encryptedDataKey":"k","config_tags":"a,b"}}`,
		`{"dataId":"p","group":"G","content":"x","casMd5":"91f4a7bb25cd3347fcc9821061b42d2a"}`, `{"dataId":"p","group":"G","content":"x","additionMap":{"tag":"t","betaIps":""}}`,
		`{"dataId":"p","group":"G","content":"x","additionMap":{"betaIps":"10.9.9.9"}}`, `{"dataId":"p","group":"G","content":1.5,"additionMap":null}`,
	}, func(t *testing.T, s *Server, l *link, body []byte, _ map[string]any) {
		var sent map[string]json.RawMessage
		var text string
		if bytes.Contains(body, []byte("null")) { // of a field that comes twice it may be the one that counts, or not
			return
		}
		if json.Unmarshal(body, &sent) != nil || sent["additionMap"] != nil || json.Unmarshal(sent["content"], &text) != nil {
			return
		}
		// What was published is what is read, whatever it is.
		ask, err := json.Marshal(map[string]json.RawMessage{"dataId": sent["dataId"], "group": sent["group"], "tenant": null(sent["tenant"])})
		if err != nil {
			return
		}
		got := checkAnswer(t, "ConfigQueryRequest", ask, s.answer(context.Background(), l, request("ConfigQueryRequest", string(ask))))
		if got["success"] != true || got["content"] != text && got["beta"] != true && got["tag"] == nil {
			t.Fatalf("%q: published %q, read %v", body, text, got)
		}
	})
}

func null(b json.RawMessage) json.RawMessage {
	if b == nil {
		return json.RawMessage("null")
	}
	return b
}

func FuzzRemove(f *testing.F) {
	fuzzRequest(f, "ConfigRemoveRequest", []string{
		`{"dataId":"a","group":"G","tenant":""}`, `{"dataId":"a","group":"G","tag":"tag_t"}`, `{"dataId":"b","group":"G","tag":"beta"}`, `{"dataId":"none","group":"G"}`,
	}, nil)
}

func FuzzListen(f *testing.F) {
	fuzzRequest(f, "ConfigBatchListenRequest", []string{
		`{"headers":{},"listen":true,"configListenContexts":[{"group":"G","md5":"","dataId":"a","tenant":"public"},{"group":"G","dataId":"a"}],"module":"config"}`,
		`{"listen":false,"configListenContexts":[{"dataId":"a","group":"G"}]}`, `{"dataId":null,"group":null,"tenant":null,"listen":"true","configListenContexts":null}`,
	}, func(t *testing.T, _ *Server, _ *link, body []byte, fields map[string]any) {
		changed, ok := fields["changedConfigs"].([]any)
		if !ok {
			t.Fatalf("%q: %v", body, fields)
		}
		for _, x := range changed {
			if named := x.(map[string]any); named["dataId"] == nil || named["group"] == nil {
				t.Fatalf("%q: %v", body, fields)
			}
		}
	})
}

func FuzzFuzzyWatch(f *testing.F) {
	fuzzRequest(f, "ConfigFuzzyWatchRequest", []string{
		`{"headers":{},"groupKeyPattern":"public>>G>>raw*","receivedGroupKeys":["a+G+public","x+G+public"],"watchType":"WATCH","initializing":true,"module":"config"}`,
		`{"groupKeyPattern":"public>>*>>*","watchType":"WATCH","initializing":false}`, `{"groupKeyPattern":"public>>G>>raw*","watchType":"CANCEL_WATCH"}`, `{"groupKeyPattern":">>","watchType":"FOO"}`,
	}, nil)
}

func FuzzHealthCheck(f *testing.F) { fuzzRequest(f, "HealthCheckRequest", nil, nil) }

func FuzzServerCheck(f *testing.F) { fuzzRequest(f, "ServerCheckRequest", nil, nil) }

// FuzzEnvelope sends whole messages of any type.
func FuzzEnvelope(f *testing.F) {
	for _, typ := range []string{"ConfigQueryRequest", "NoSuchRequest", "", "DistroDataRequest", "ConfigQueryResponse", "Request"} {
		f.Add(payload.Encode(typ, "1.2.3.4", []byte(`{"dataId":"a","group":"G"}`)))
	}
	s := inMemory(f)
	l, _ := attached(s, "10.1.2.3")
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := payload.Decode(b)
		if err != nil {
			return
		}
		checkAnswer(t, string(m.Type), m.Body, s.answer(context.Background(), l, &m))
	})
}

// FuzzIntroduction reads introductions: what is kept of a client is bounded.
func FuzzIntroduction(f *testing.F) {
	for _, seed := range []string{
		`{"headers":{},"clientVersion":"Nacos-Java-Client:v3.1.1","tenant":"public","labels":{"source":"sdk","taskId":"0","module":"config","AppName":"unknown"},"abilityTable":{"lock":true},"module":"internal"}`,
		`{"clientVersion":7,"labels":null,"abilityTable":{}}`, `{"labels":[]}`, `{"labels":{"a":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	s := inMemory(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := readSetup(body)
		if err != nil {
			return
		}
		c := s.newConn(&link{srv: s, ip: "1.2.3.4"}, &sink{}, &payload.Message{}, &set)
		if len(c.Client.SDK) > maxLabel || len(c.Client.Tenant) > maxLabel || len(c.Client.Labels) > maxLabels || c.Client.IP != "1.2.3.4" {
			t.Fatalf("%q: %+v", body, c.Client)
		}
	})
}

// FuzzAnswerOfAClient settles a question by whatever a client says.
func FuzzAnswerOfAClient(f *testing.F) {
	for _, seed := range []string{
		`{"resultCode":200,"errorCode":0,"requestId":"7","success":true}`, `{"resultCode":"200","requestId":7,"success":false}`, `{"resultCode":500,"requestId":"7"}`,
		`{"requestId":"99999"}`, `{`, `{"resultCode":200,"requestId":"7","metrics":{"a":{"b":[]}}}`,
	} {
		f.Add([]byte(seed))
	}
	s := inMemory(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		_, c := attached(s, "10.1.2.3")
		defer c.end()
		settled := 0
		var metrics json.RawMessage
		if !c.askFor(7, []byte("x"), metricTimeout, func(b []byte) { metrics, _ = readMetrics(b) }, func(bool) { settled++ }) {
			t.Fatal("not asked")
		}
		c.hear(&payload.Message{Type: []byte("AnyResponse"), Body: body})
		c.hear(&payload.Message{Type: []byte("AnyResponse"), Body: body})
		if settled > 1 || metrics != nil && !json.Valid(metrics) {
			t.Fatalf("%q: settled %d times, metrics %q", body, settled, metrics)
		}
		c.expire(1 << 62)
		if settled != 1 {
			t.Fatalf("%q: settled %d times", body, settled)
		}
	})
}
