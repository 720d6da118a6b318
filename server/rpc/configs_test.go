package rpc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"nacre/server/config"
	"nacre/server/rpc/rpctest"
	"nacre/server/servertest"
	"nacre/server/settings"
)

// keys returns the names of a body's fields, sorted.
func keys(m rpctest.Message) []string {
	var body map[string]json.RawMessage
	if json.Unmarshal(m.Body, &body) != nil {
		return nil
	}
	var out []string
	for k := range body {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// client is a connection of a test with the pushes that came.
type client struct {
	*rpctest.Client
	t      *testing.T
	pushes chan rpctest.Message
}

// connect introduces a client that claims ip and has labels besides the usual ones.
func connect(t *testing.T, s *servertest.Server, ip string, labels map[string]string) *client {
	t.Helper()
	setup := rpctest.JavaSetup("orders")
	for k, v := range labels {
		setup["labels"].(map[string]string)[k] = v
	}
	c := &client{t: t, pushes: make(chan rpctest.Message, 100)}
	c.Client = dial(t, s.GRPC, rpctest.Options{IP: ip, Setup: setup, Push: func(m rpctest.Message) bool {
		if m.Type != "SetupAckRequest" {
			c.pushes <- m
		}
		return true
	}})
	return c
}

// ok sends a request that must succeed, body being JSON.
func (c *client) ok(typ, body string) rpctest.Message {
	c.t.Helper()
	m := call(c.t, c.Client, typ, []byte(body))
	if m.Int("resultCode") != 200 || m.Int("errorCode") != 0 || m.Field("success") != true {
		c.t.Fatalf("%s %s: %s", typ, body, m)
	}
	return m
}

// failed sends a request that must fail in its own type with this code.
func (c *client) failed(typ, body string, code int) rpctest.Message {
	c.t.Helper()
	m := call(c.t, c.Client, typ, []byte(body))
	if m.Int("resultCode") != 500 || m.Int("errorCode") != code || m.Field("success") != false {
		c.t.Fatalf("%s %s: %s, want the code %d", typ, body, m, code)
	}
	return m
}

// told waits for a push.
func (c *client) told() rpctest.Message {
	c.t.Helper()
	select {
	case m := <-c.pushes:
		return m
	case <-time.After(5 * time.Second):
		c.t.Fatal("no push came within 5 s")
		return rpctest.Message{}
	}
}

// untold checks that no push comes for a moment.
func (c *client) untold() {
	c.t.Helper()
	select {
	case m := <-c.pushes:
		c.t.Fatalf("pushed %s", m)
	case <-time.After(50 * time.Millisecond):
	}
}

func TestAQueryShowsTheFieldsThatSDKsRead(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","tenant":"","content":"k: \"v\"\n\u00e9","additionMap":{"type":"yaml","encryptedDataKey":"the key"}}`)
	m := c.ok("ConfigQueryRequest", `{"dataId":"a","group":"G"}`)
	want := []string{"beta", "content", "contentType", "encryptedDataKey", "errorCode", "lastModified", "md5", "resultCode", "success"}
	if got := keys(m); !slices.Equal(got, want) {
		t.Errorf("it has the fields %v, want %v: tag must be left out, as Go and Python take it for a truth value", got, want)
	}
	content := "k: \"v\"\n\u00e9"
	if m.Text("content") != content || m.Text("md5") != config.MD5([]byte(content)) || m.Text("contentType") != "yaml" || m.Text("encryptedDataKey") != "the key" || m.Field("beta") != false {
		t.Error(m)
	}
	if m.Headers != nil || m.ClientIP != "" {
		t.Errorf("the answer's metadata has more than the type: %+v", m)
	}
	c.ok("ConfigPublishRequest", `{"dataId":"b","group":"G","content":"x"}`)
	if m := c.ok("ConfigQueryRequest", `{"dataId":"b","group":"G"}`); m.Field("encryptedDataKey") != "" || m.Text("contentType") != "text" {
		t.Errorf("without a key and a type: %s", m)
	}
}

func TestAMissingConfigurationHasTheCode300(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	for _, body := range []string{`{"dataId":"none","group":"G"}`, `{"dataId":"none","group":"G","tenant":"nosuch","tag":""}`, `{"dataId":7,"group":"G","tenant":null,"other":[1]}`} {
		m := c.failed("ConfigQueryRequest", body, 300)
		if want := `{"resultCode":500,"errorCode":300,"message":"config data not exist","lastModified":0,"beta":false,"success":false}`; m.Type != "ConfigQueryResponse" || string(m.Body) != want {
			t.Errorf("%s: %s", body, m)
		}
	}
}

func TestFailuresAreAnsweredInTheRequestsOwnType(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	long := strings.Repeat("x", 200)
	const illegal = "Param check invalid:Param 'dataId' is illegal, illegal characters should not appear in the param."
	for _, r := range []struct {
		name, typ, body, answer string
		code                    int
		message                 string
		fields                  string // besides the common ones
	}{
		{"a query with an illegal dataId", "ConfigQueryRequest", `{"dataId":"a b","group":"G"}`, "ConfigQueryResponse", 400, illegal, "beta lastModified"},
		{"a query with an illegal namespace", "ConfigQueryRequest", `{"dataId":"a","group":"G","tenant":"no such ns"}`, "ConfigQueryResponse", 400, "Param check invalid:Param 'namespaceId/tenant' is illegal, illegal characters should not appear in the param.", "beta lastModified"},
		{"a query without a dataId", "ConfigQueryRequest", `{"group":"G"}`, "ConfigQueryResponse", 500, "", "beta lastModified"},
		{"a publish with an illegal dataId", "ConfigPublishRequest", `{"dataId":"a b","group":"G","content":"x"}`, "ConfigPublishResponse", 400, illegal, ""},
		{"a publish with a blank content", "ConfigPublishRequest", `{"dataId":"a","group":"G","content":""}`, "ConfigPublishResponse", 400, "content is blank : ", ""},
		{"a publish with a content of spaces", "ConfigPublishRequest", `{"dataId":"a","group":"G","content":"  "}`, "ConfigPublishResponse", 400, "content is blank :   ", ""},
		{"a publish without a content", "ConfigPublishRequest", `{"dataId":"a","group":"G"}`, "ConfigPublishResponse", 400, "content is blank : null", ""},
		{"a publish with a blank group", "ConfigPublishRequest", `{"dataId":"a","group":"","content":"x"}`, "ConfigPublishResponse", 400, "invalid group : ", ""},
		{"a publish with a long group", "ConfigPublishRequest", `{"dataId":"a","group":"` + long + `","content":"x"}`, "ConfigPublishResponse", 400, "Param check invalid:Param 'group' is illegal, the param length should not exceed 128.", ""},
		{"a publish with an illegal tag", "ConfigPublishRequest", `{"dataId":"a","group":"G","content":"x","additionMap":{"tag":"a b"}}`, "ConfigPublishResponse", 400, "", ""},
		{"a publish with a long tag", "ConfigPublishRequest", `{"dataId":"a","group":"G","content":"x","additionMap":{"tag":"12345678901234567"}}`, "ConfigPublishResponse", 400, "too long tag, over 16", ""},
		{"a publish with six labels", "ConfigPublishRequest", `{"dataId":"a","group":"G","content":"x","additionMap":{"config_tags":"1,2,3,4,5,6"}}`, "ConfigPublishResponse", 400, "", ""},
		{"a publish with a long description", "ConfigPublishRequest", `{"dataId":"a","group":"G","content":"x","additionMap":{"desc":"` + long + `"}}`, "ConfigPublishResponse", 400, "", ""},
		{"a removal with an illegal dataId", "ConfigRemoveRequest", `{"dataId":"a b","group":"G"}`, "ConfigRemoveResponse", 400, illegal, ""},
		{"a removal with a blank dataId", "ConfigRemoveRequest", `{"dataId":"","group":"G"}`, "ConfigRemoveResponse", 400, "invalid dataId : ", ""},
		{"a removal of a variant that is not there", "ConfigRemoveRequest", `{"dataId":"a","group":"G","tag":"tag_x"}`, "ConfigRemoveResponse", 404, "", ""},
		{"a listen with an illegal dataId", "ConfigBatchListenRequest", `{"configListenContexts":[{"dataId":"ok","group":"G"},{"dataId":"a b","group":"G"}]}`, "ConfigChangeBatchListenResponse", 400, illegal, "changedConfigs"},
	} {
		t.Run(r.name, func(t *testing.T) {
			m := (&client{t: t, Client: c.Client}).failed(r.typ, r.body, r.code)
			want := append(strings.Fields(r.fields), "errorCode", "message", "resultCode", "success")
			slices.Sort(want)
			if m.Type != r.answer || r.message != "" && m.Text("message") != r.message || m.Text("message") == "" || !slices.Equal(keys(m), want) {
				t.Errorf("%s, want the type %s, the message %q and the fields %v", m, r.answer, r.message, want)
			}
		})
	}
}

func TestABodyThatCantBeReadIsABadGateway(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	for typ, bodies := range map[string][]string{
		"ConfigQueryRequest":       {`{"dataId":`, ``, `[]`, `"x"`, `{"dataId":{"a":1},"group":"G"}`, `{"dataId":["a"]}`, "{\"dataId\":\"\x01\"}", "{\"dataId\":\"\xff\"}"},
		"ConfigPublishRequest":     {`{"content":{}}`, `{"additionMap":"x"}`, `{"additionMap":{"type":[]}}`, `{"additionMap":[]}`},
		"ConfigRemoveRequest":      {`{"tag":{}}`, `nul`},
		"ConfigBatchListenRequest": {`{"listen":"maybe"}`, `{"configListenContexts":{}}`, `{"configListenContexts":[1]}`, `{"configListenContexts":[{"md5":[]}]}`},
	} {
		for _, body := range bodies {
			if m := call(t, c.Client, typ, []byte(body)); m.Type != "ErrorResponse" || m.Int("errorCode") != 502 || m.Int("resultCode") != 500 || !strings.Contains(m.Text("message"), "deserialize failed") {
				t.Errorf("%s %q: %s", typ, body, m)
			}
		}
	}
}

func TestScalarsOfAnotherTypeAreTaken(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	c.ok("ConfigPublishRequest", `{"dataId":7,"group":true,"tenant":null,"content":1.5,"casMd5":null,"additionMap":{"desc":5,"use":null,"appName":false}}`)
	if m := c.ok("ConfigQueryRequest", `{"dataId":"7","group":"true"}`); m.Text("content") != "1.5" {
		t.Error(m)
	}
	if m := c.ok("ConfigBatchListenRequest", `{"listen":"true","configListenContexts":[{"dataId":7,"group":"true","md5":0}]}`); len(m.Field("changedConfigs").([]any)) != 1 {
		t.Error(m)
	}
	c.ok("ConfigBatchListenRequest", `{"listen":1,"configListenContexts":null}`)
	c.ok("ConfigRemoveRequest", `{"dataId":7,"group":"true","tenant":""}`)
}

func TestQuotasHaveCodesOfTheirOwn(t *testing.T) {
	for _, r := range []struct {
		name   string
		limit  func(*settings.Settings)
		tenant string
		code   int
	}{
		{"of the cluster", func(s *settings.Settings) { s.QuotaCluster = 1 }, "", 5031},
		{"of a group", func(s *settings.Settings) { s.QuotaGroup = 1 }, "", 5032},
		{"of a namespace", func(s *settings.Settings) { s.QuotaNamespace = 1 }, "ns", 5033},
		{"of a content's size", func(s *settings.Settings) { s.QuotaMaxSize = 3 }, "", 5034},
	} {
		t.Run(r.name, func(t *testing.T) {
			s := servertest.Start(t, servertest.With(func(s *settings.Settings) { s.CapacityCheck = true; r.limit(s) }))
			c := connect(t, s, "10.1.2.3", nil)
			c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","tenant":"`+r.tenant+`","content":"1"}`)
			m := c.failed("ConfigPublishRequest", `{"dataId":"b","group":"G","tenant":"`+r.tenant+`","content":"1234"}`, r.code)
			if m.Type != "ConfigPublishResponse" || m.Text("message") == "" {
				t.Error(m)
			}
		})
	}
}

func TestAContentAboveTheLimitIsRefused(t *testing.T) {
	s := servertest.Start(t, servertest.With(func(s *settings.Settings) { s.MaxConfigSize = 1 << 10 }))
	c := connect(t, s, "10.1.2.3", nil)
	large := strings.Repeat("x", 1<<10)
	c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"`+large+`"}`)
	c.failed("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"`+large+`y"}`, 400)
}

func TestTheEleventhGrayVersionIsRefused(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	for i := range 10 {
		c.ok("ConfigPublishRequest", fmt.Sprintf(`{"dataId":"a","group":"G","content":"x","additionMap":{"tag":"t%d"}}`, i))
	}
	c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"y","additionMap":{"tag":"t3"}}`)
	c.failed("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"x","additionMap":{"tag":"t10"}}`, 500)
}

// TestThreeThousandConfigurationsInOneListen is what Java's SDK sends at the most.
func TestThreeThousandConfigurationsInOneListen(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	const most = 3000
	contexts := make([]string, most)
	for i := range contexts {
		contexts[i] = fmt.Sprintf(`{"group":"G","md5":"","dataId":"a%d","tenant":"public"}`, i)
	}
	body := `{"listen":true,"configListenContexts":[` + strings.Join(contexts, ",") + `]}`
	c.ok("ConfigBatchListenRequest", body)
	var changed []string
	for i := 0; i < most; i += 300 {
		c.ok("ConfigPublishRequest", fmt.Sprintf(`{"dataId":"a%d","group":"G","tenant":"public","content":"%d"}`, i, i))
		changed = append(changed, c.told().Text("dataId"))
	}
	m := c.ok("ConfigBatchListenRequest", body)
	for i, x := range m.Field("changedConfigs").([]any) {
		if i >= len(changed) || x.(fields)["dataId"] != changed[i] {
			t.Fatalf("%s, want %v", m, changed)
		}
	}
	c.ok("ConfigBatchListenRequest", strings.Replace(body, "true", "false", 1))
	c.ok("ConfigPublishRequest", `{"dataId":"a1","group":"G","tenant":"public","content":"x"}`)
	c.untold()
}

func TestCompareAndSet(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	md5 := func(s string) string { return config.MD5([]byte(s)) }
	c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"1","casMd5":"`+md5("other")+`"}`) // an absent one is inserted whatever is compared with
	c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"2","casMd5":"`+md5("1")+`"}`)
	m := c.failed("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"3","casMd5":"`+md5("1")+`"}`, 500)
	if m.Type != "ConfigPublishResponse" || m.Text("message") != "Cas publish fail, server md5 may have changed." {
		t.Error(m)
	}
	if m := c.ok("ConfigQueryRequest", `{"dataId":"a","group":"G"}`); m.Text("content") != "2" {
		t.Error(m)
	}
	c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"4","casMd5":" "}`) // a blank one compares nothing
}

func TestATypeThatIsNotKnownIsText(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	for _, r := range []struct{ additions, want string }{
		{`{"type":"foo"}`, "text"}, {`{"type":"html"}`, "html"}, {`{}`, "text"}, {`{"type":"json"}`, "json"}, {`null`, "text"}, {`{"type":""}`, "text"},
	} {
		c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"{}","additionMap":`+r.additions+`}`)
		if m := c.ok("ConfigQueryRequest", `{"dataId":"a","group":"G"}`); m.Text("contentType") != r.want {
			t.Errorf("%s: %s", r.additions, m)
		}
	}
}

func TestMetadataOfAPublishIsStored(t *testing.T) {
	s := servertest.Start(t)
	c := connect(t, s, "10.1.2.3", nil)
	c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"x","additionMap":{"type":"html","appName":"app","desc":"d","use":"u","effect":"e","schema":"s","config_tags":"a,b,a","src_user":"me"}}`)
	e := s.Configs().Item(config.Key{Namespace: "public", Group: "G", DataID: "a"}).Formal
	if e.AppName != "app" || *e.Desc != "d" || *e.Use != "u" || *e.Effect != "e" || *e.Schema != "s" || !slices.Equal(e.Tags, []string{"a", "b"}) || e.SrcUser != "me" || e.SrcIP != "10.1.2.3" {
		t.Errorf("%+v", e)
	}
	// Go's SDK sends all keys, blank where it was given nothing.
	c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"y","additionMap":{"type":"","appName":"","betaIps":"","tag":"","src_user":"","encryptedDataKey":"","config_tags":""}}`)
	e = s.Configs().Item(e.Key).Formal
	if e == nil || string(e.Content) != "y" || e.AppName != "app" || !slices.Equal(e.Tags, []string{"a", "b"}) {
		t.Errorf("%+v", e)
	}
}

func TestSDKsThatCannotReadTheTextOfATagAreNotToldIt(t *testing.T) {
	s := servertest.Start(t)
	connect(t, s, "10.1.2.3", nil).ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"formal"}`)
	connect(t, s, "10.1.2.3", nil).ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"for the tag","additionMap":{"tag":"blue"}}`)
	for version, tag := range map[string]any{
		"Nacos-Go-Client:v2.2.7": nil, "Nacos-Python-Client:v3.2.0": nil, "Nacos-Java-Client:v3.1.1": "blue", "": "blue",
	} {
		setup := rpctest.JavaSetup("orders")
		setup["clientVersion"] = version
		setup["labels"].(map[string]string)["app_Vipserver-Tag"] = "blue"
		c := &client{t: t, Client: dial(t, s.GRPC, rpctest.Options{IP: "10.1.2.4", Setup: setup})}
		if m := c.ok("ConfigQueryRequest", `{"dataId":"a","group":"G"}`); m.Text("content") != "for the tag" || m.Field("tag") != tag {
			t.Errorf("%q: %s", version, m)
		}
		if tag != nil {
			tag = "red"
		}
		if m := c.failed("ConfigQueryRequest", `{"dataId":"a","group":"G","tag":"red"}`, 300); m.Field("tag") != tag {
			t.Errorf("%q asks for a tag without a version of its own: %s", version, m)
		}
	}
}

func TestGrayVersionsAreServedToThoseTheyAreFor(t *testing.T) {
	s := servertest.Start(t)
	beta, tagged, other := connect(t, s, "10.1.2.3", nil), connect(t, s, "10.1.2.4", map[string]string{"Vipserver-Tag": "t:1"}), connect(t, s, "10.1.2.5", nil)
	labelled := connect(t, s, "10.1.2.6", map[string]string{"app_Vipserver-Tag": "t:1", "Vipserver-Tag": "no"})
	other.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"formal","additionMap":{"type":"json"}}`)
	other.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"for the tag","additionMap":{"tag":"t:1"}}`)
	other.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"for addresses","additionMap":{"tag":"no","betaIps":"10.1.2.3,10.9.9.9"}}`) // betaIps wins
	const plain, withTag = `{"dataId":"a","group":"G"}`, `{"dataId":"a","group":"G","tag":"t:1"}`
	for _, r := range []struct {
		name, body, content string
		c                   *client
		beta                bool
		tag                 any
	}{
		{"an address of the beta", plain, "for addresses", beta, true, nil},
		{"an address of the beta that asks for a tag", withTag, "for addresses", beta, true, nil},
		{"a connection with the tag", plain, "for the tag", tagged, false, "t%3A1"},
		{"an application with the label", plain, "for the tag", labelled, false, "t%3A1"},
		{"a request with the tag", withTag, "for the tag", other, false, "t%3A1"},
		{"everybody else", plain, "formal", other, false, nil},
	} {
		m := r.c.ok("ConfigQueryRequest", r.body)
		if m.Text("content") != r.content || m.Field("beta") != r.beta || m.Field("tag") != r.tag || m.Text("contentType") != "json" || m.Text("md5") != config.MD5([]byte(r.content)) {
			t.Errorf("%s: %s", r.name, m)
		}
		if _, key := m.Field("encryptedDataKey").(string); key != (r.content == "formal") {
			t.Errorf("%s: only a formal content has an encryptedDataKey without having one: %s", r.name, m)
		}
	}
	if m := tagged.failed("ConfigQueryRequest", `{"dataId":"a","group":"G","tag":"u:2"}`, 300); m.Field("tag") != "u:2" {
		t.Errorf("a tag without a version of its own: %s", m)
	}
	if m := other.failed("ConfigQueryRequest", `{"dataId":"none","group":"G","tag":"t:1"}`, 300); m.Field("tag") != nil {
		t.Errorf("a tag of a configuration that is not there: %s", m)
	}

	// The tag of a removal is the whole name.
	other.failed("ConfigRemoveRequest", withTag, 404)
	tagged.ok("ConfigQueryRequest", withTag)
	other.ok("ConfigRemoveRequest", `{"dataId":"a","group":"G","tag":"tag_t:1"}`)
	if m := tagged.ok("ConfigQueryRequest", plain); m.Text("content") != "formal" {
		t.Error(m)
	}
	// Versions for some go with the formal content, and do not come back with the next one.
	other.ok("ConfigRemoveRequest", plain)
	beta.failed("ConfigQueryRequest", plain, 300)
	other.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"formal 2"}`)
	if m := beta.ok("ConfigQueryRequest", plain); m.Text("content") != "formal 2" {
		t.Error(m)
	}
	// One without a formal content has no type.
	other.ok("ConfigPublishRequest", `{"dataId":"b","group":"G","content":"beta only","additionMap":{"betaIps":"10.1.2.3"}}`)
	if m := beta.ok("ConfigQueryRequest", `{"dataId":"b","group":"G"}`); m.Text("content") != "beta only" || m.Field("contentType") != nil {
		t.Error(m)
	}
	other.failed("ConfigQueryRequest", `{"dataId":"b","group":"G"}`, 300)
}

func TestRemovingWhatIsNotThereSucceeds(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	m := c.ok("ConfigRemoveRequest", `{"dataId":"none","group":"G","tenant":"nosuch"}`)
	if m.Type != "ConfigRemoveResponse" || string(m.Body) != `{"resultCode":200,"errorCode":0,"success":true}` {
		t.Error(m)
	}
}

func TestAnAnswerToAListenEchoesTheNamespaceAsItWasSent(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","tenant":"","content":"one"}`)
	md5 := config.MD5([]byte("one"))
	for _, r := range []struct{ name, context, changed string }{
		{"absent", `{"dataId":"a","group":"G","md5":"x"}`, `{"group":"G","dataId":"a"}`},
		{"null", `{"dataId":"a","group":"G","tenant":null,"md5":"x"}`, `{"group":"G","dataId":"a"}`},
		{"empty", `{"dataId":"a","group":"G","tenant":"","md5":"x"}`, `{"group":"G","dataId":"a","tenant":""}`},
		{"public", `{"dataId":"a","group":"G","tenant":"public","md5":"x"}`, `{"group":"G","dataId":"a","tenant":"public"}`},
		{"no md5", `{"dataId":"a","group":"G","tenant":""}`, `{"group":"G","dataId":"a","tenant":""}`},
		{"missing without an md5", `{"dataId":"none","group":"G","tenant":""}`, `{"group":"G","dataId":"none","tenant":""}`},
		{"missing with null for an md5", `{"dataId":"none","group":"G","tenant":"","md5":null}`, `{"group":"G","dataId":"none","tenant":""}`},
		{"missing with an md5", `{"dataId":"none","group":"G","md5":"x"}`, `{"group":"G","dataId":"none"}`},
		{"missing on both sides", `{"dataId":"none","group":"G","md5":""}`, ``},
		{"the same", `{"dataId":"a","group":"G","md5":"` + md5 + `"}`, ``},
		{"two of three", `{"dataId":"a","group":"G"},{"dataId":"a","group":"G","tenant":"public","md5":"` + md5 + `"},{"dataId":"a","group":"G","tenant":"public"}`,
			`{"group":"G","dataId":"a"},{"group":"G","dataId":"a","tenant":"public"}`},
		{"escapes", `{"dataId":"\u0061","group":"G","tenant":"public"}`, `{"group":"G","dataId":"a","tenant":"public"}`},
	} {
		m := c.ok("ConfigBatchListenRequest", `{"listen":true,"configListenContexts":[`+r.context+`]}`)
		if want := `{"resultCode":200,"errorCode":0,"changedConfigs":[` + r.changed + `],"success":true}`; m.Type != "ConfigChangeBatchListenResponse" || string(m.Body) != want {
			t.Errorf("%s: %s, want %s", r.name, m.Body, want)
		}
	}
	for _, body := range []string{`{"listen":true}`, `{}`, `{"dataId":null,"group":null,"tenant":null,"configListenContexts":[]}`, `{"listen":false,"configListenContexts":[{"dataId":"a","group":"G","md5":"x"}]}`} {
		if m := c.ok("ConfigBatchListenRequest", body); len(m.Field("changedConfigs").([]any)) != 0 {
			t.Errorf("%s: %s", body, m)
		}
	}
}

func TestAnMd5IsComparedWithWhatThisClientSees(t *testing.T) {
	s := servertest.Start(t)
	beta, other := connect(t, s, "10.1.2.3", nil), connect(t, s, "10.1.2.4", nil)
	other.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"formal"}`)
	other.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"beta","additionMap":{"betaIps":"10.1.2.3"}}`)
	for _, r := range []struct {
		c       *client
		has     string
		changed int
	}{{beta, "beta", 0}, {beta, "formal", 1}, {other, "formal", 0}, {other, "beta", 1}} {
		m := r.c.ok("ConfigBatchListenRequest", `{"configListenContexts":[{"dataId":"a","group":"G","md5":"`+config.MD5([]byte(r.has))+`"}]}`)
		if n := len(m.Field("changedConfigs").([]any)); n != r.changed {
			t.Errorf("with %s: %s", r.has, m)
		}
	}
}

func TestPushesSpellTheNamespaceAsEachListenerDid(t *testing.T) {
	s := servertest.Start(t)
	publisher := connect(t, s, "10.1.2.9", nil)
	spellings := map[string]string{"absent": ``, "empty": `"tenant":"",`, "public": `"tenant":"public",`, "absent again": ``, "public again": `"tenant":"public",`}
	listeners := map[string]*client{}
	for name, tenant := range spellings {
		listeners[name] = connect(t, s, "10.1.2.3", nil)
		listeners[name].ok("ConfigBatchListenRequest", `{"configListenContexts":[{"dataId":"a","group":"G",`+tenant+`"md5":""}]}`)
	}
	publisher.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"1"}`)
	for name, c := range listeners {
		m := c.told()
		want := []string{"dataId", "group", "headers", "module", "requestId"}
		if strings.HasPrefix(name, "public") {
			want = append(want, "tenant")
		}
		if m.Type != "ConfigChangeNotifyRequest" || m.Text("dataId") != "a" || m.Text("group") != "G" || m.Text("module") != "config" || !slices.Equal(keys(m), want) ||
			!reflect.DeepEqual(m.Field("headers"), map[string]any{}) || strings.HasPrefix(name, "public") && m.Text("tenant") != "public" {
			t.Errorf("%s: %s", name, m)
		}
		if m := c.ok("ConfigQueryRequest", `{"dataId":"a","group":"G"}`); m.Text("content") != "1" { // pushed only when it can be read
			t.Error(m)
		}
		c.ok("ConfigBatchListenRequest", `{"configListenContexts":[{"dataId":"a","group":"G",`+spellings[name]+`"md5":"`+config.MD5([]byte("1"))+`"}]}`)
	}
	// Another type is no change of the content, and whoever ended listening is not told.
	listeners["absent"].ok("ConfigBatchListenRequest", `{"listen":false,"configListenContexts":[{"dataId":"a","group":"G"}]}`)
	publisher.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"1","additionMap":{"type":"json"}}`)
	for _, c := range listeners {
		c.untold()
	}
	publisher.ok("ConfigRemoveRequest", `{"dataId":"a","group":"G"}`)
	for name, c := range listeners {
		if name != "absent" {
			c.told()
		}
	}
	listeners["absent"].untold()
}

func TestAPushIsRepeatedUntilItsClientHasWhatItIsToSee(t *testing.T) {
	s := servertest.Start(t)
	var asked []rpctest.Message
	pushes := make(chan rpctest.Message, 10)
	c := dial(t, s.GRPC, rpctest.Options{Push: func(m rpctest.Message) bool {
		if m.Type == "ConfigChangeNotifyRequest" {
			pushes <- m
		}
		return m.Type != "ConfigChangeNotifyRequest" // never acknowledged
	}})
	call(t, c, "ConfigBatchListenRequest", []byte(`{"configListenContexts":[{"dataId":"a","group":"G","md5":""}]}`))
	call(t, c, "ConfigPublishRequest", []byte(`{"dataId":"a","group":"G","content":"1"}`))
	for len(asked) < 2 {
		select {
		case m := <-pushes:
			asked = append(asked, m)
		case <-time.After(10 * time.Second):
			t.Fatalf("%d pushes came", len(asked))
		}
	}
	if m := asked[1]; m.Text("dataId") != "a" {
		t.Error(m)
	}
	if m := call(t, c, "ConfigBatchListenRequest", []byte(`{"configListenContexts":[{"dataId":"a","group":"G","md5":"`+config.MD5([]byte("1"))+`"}]}`)); m.Int("resultCode") != 200 {
		t.Error(m)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if in, of := s.Delivery().WaitSync(ctx, config.Key{Namespace: "public", Group: "G", DataID: "a"}); in != 1 || of != 1 {
		t.Errorf("%d of %d are in sync", in, of)
	}
}

func TestConfigurationsAreServedToConnectionsOfNamingToo(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", map[string]string{"module": "naming"})
	c.ok("ConfigPublishRequest", `{"dataId":"a","group":"G","content":"x"}`)
	c.ok("ConfigQueryRequest", `{"dataId":"a","group":"G"}`)
}

func TestAMegabyteOfAnyTextIsPublishedAndRead(t *testing.T) {
	c := connect(t, servertest.Start(t), "10.1.2.3", nil)
	content := strings.Repeat("key\t\"v\\alue\" \u00e9\u4e2d\U0001f600 \u2028\u0001\x7f\n", 40_000)
	body, err := json.Marshal(fields{"dataId": "a", "group": "G", "content": content})
	if err != nil {
		t.Fatal(err)
	}
	c.ok("ConfigPublishRequest", string(body))
	if m := c.ok("ConfigQueryRequest", `{"dataId":"a","group":"G"}`); m.Text("content") != content || m.Text("md5") != config.MD5([]byte(content)) {
		t.Errorf("%d bytes came back of %d", len(m.Text("content")), len(content))
	}
}
