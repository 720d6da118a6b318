package console_test

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"nacre/server/config"
	"nacre/server/servertest"
	"nacre/server/settings"
)

var shownContent = regexp.MustCompile(`(?s)<pre class="code lines"[^>]*>(.*?)</pre>`)

func TestAContentIsShownLineByLine(t *testing.T) {
	s := signedIn(t)
	for name, content := range map[string]string{
		"plain": "one\ntwo\n", "blank lines": "\n\n\nfour", "without an end": "one", "CRLF": "one\r\ntwo\r\n", "markup": "<b>&amp;</b>\n", "Chinese": "名称: 张三\n", "tabs": "\tx\n \n",
	} {
		t.Run(name, func(t *testing.T) {
			dataID := strings.ReplaceAll(name, " ", "-")
			s.publish("public", "g", dataID, content, "alice")
			a := s.get("/console/config?group=g&dataId="+dataID).is(200, "alice", config.MD5([]byte(content)))
			shown := shownContent.FindStringSubmatch(a.body)[1]
			if got := html.UnescapeString(markup.ReplaceAllString(shown, "")); got != content {
				t.Errorf("%q became %q", content, got)
			}
			lines := strings.Count(strings.TrimSuffix(content, "\n"), "\n") + 1
			if !strings.Contains(shown, fmt.Sprintf(`id="l%d"`, lines)) || strings.Contains(shown, fmt.Sprintf(`id="l%d"`, lines+1)) {
				t.Errorf("not %d lines: %s", lines, shown)
			}
			raw := s.get("/console/config/raw?group=g&dataId=" + dataID)
			if raw.body != content || raw.Header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(raw.Header.Get("Content-Security-Policy"), "sandbox") {
				t.Errorf("raw: %q %v", raw.body, raw.Header)
			}
			if file := s.get("/console/config/raw?get=1&group=g&dataId=" + dataID); file.body != content || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") {
				t.Errorf("file: %q %v", file.body, file.Header)
			}
		})
	}
}

func TestOfALargeContentTheFirstPartIsShown(t *testing.T) {
	s := signedIn(t)
	s.publish("public", "g", "long", strings.Repeat("名", 500_000), "")
	s.get("/console/config?group=g&dataId=long").is(200, "The first 1 lines of 1.4 MiB are shown")
	s.publish("public", "g", "many", strings.Repeat("a\n", 30_000), "")
	a := s.get("/console/config?group=g&dataId=many").is(200, "The first 20,000 lines of 58.6 KiB are shown")
	if strings.Contains(a.body, "data-copies") {
		t.Error("a part is offered to be copied as the whole")
	}
}

func TestWhatApplicationsStumbleOverIsNamed(t *testing.T) {
	s := signedIn(t)
	s.describe("public", "g", "broken.yaml", "a: 1\nb: [1, 2\nc: 3\n", "yaml", "")
	s.describe("public", "g", "right.yaml", "a: 1\n", "yaml", "")
	s.describe("public", "g", "plain", "b: [1, 2\n", "text", "")
	if a := s.get("/console/config?group=g&dataId=broken.yaml").is(200, "read this as yaml will stumble"); !regexp.MustCompile(`href="#l[23]"`).MatchString(a.body) {
		t.Error("the line is not linked")
	}
	s.get("/console/config?group=g&dataId=right.yaml").is(200).hides("stumble")
	s.get("/console/config?group=g&dataId=plain").is(200).hides("stumble")
}

func TestVariantsAreMentionedWhereTheContentIs(t *testing.T) {
	s := signedIn(t)
	k := config.Key{Namespace: "public", Group: "g", DataID: "a"}
	s.publish("public", "g", "a", "for all", "")
	s.publishAs("", config.Draft{Key: k, Content: []byte("for some"), Gray: &config.GrayDraft{Name: config.GrayBeta, Rule: config.BetaRule("10.0.0.1")}})
	s.get("/console/config?group=g&dataId=a").is(200, "for all", "Some clients see another content")
	s.get("/console/configs?q=some").is(200, "variant beta", "for some", "Variants: 1")
	if raw := s.get("/console/config/raw?group=g&dataId=a&gray=beta"); raw.body != "for some" {
		t.Error(raw.body)
	}
	s.get("/console/config/raw?group=g&dataId=a&gray=none").is(404)
	k.DataID = "only"
	s.publishAs("", config.Draft{Key: k, Content: []byte("for some"), Gray: &config.GrayDraft{Name: config.GrayBeta, Rule: config.BetaRule("10.0.0.1")}})
	s.get("/console/config?group=g&dataId=only").is(200, "Only variants").hides("Download")
	s.get("/console/configs").is(200, "variants only")
	s.follow(s.post("/console/config/delete", url.Values{"group": {"g"}, "dataId": {"only"}})).is(200)
	s.get("/console/config?group=g&dataId=only").is(404)
}

func TestAnIllegalNameIsRefusedInWords(t *testing.T) {
	s := signedIn(t)
	for _, q := range []string{"group=g", "group=&dataId=a", "group=g&dataId=" + url.QueryEscape("a b"), "group=g&dataId=a&ns=" + strings.Repeat("n", 200)} {
		s.get("/console/config?" + q).is(400)
	}
}

func TestSnippetsHaveThisServersAddresses(t *testing.T) {
	s := signedIn(t)
	s.namespace("dev", "Development")
	s.publish("dev", "orders", "order.yaml", "a: 1\n", "")
	port := port(s.URL)
	a := s.get("/console/config/snippets?ns=dev&group=orders&dataId=order.yaml").is(200,
		"127.0.0.1:"+port, "spring.cloud.nacos.config.namespace=dev", "spring.config.import=nacos:order.yaml", `p.put("namespace", "dev")`, "Port: "+port+", GrpcPort:",
		`server_address("127.0.0.1:`+port+`")`, "namespace: 'dev'", "curl '"+s.URL+"/nacos/v1/cs/configs?dataId=order.yaml&group=orders&tenant=dev'", "-Dnacos.server.grpc.port.offset=")
	if strings.Contains(a.body, "{") && regexp.MustCompile(`\{(addr|host|port|ns|group|dataId|read|[a-z]+-(ns|port))\}`).MatchString(a.body) {
		t.Error("a place was not filled in")
	}
	s.get("/console/config/snippets?ns=dev&group=orders&dataId=absent").is(404)
	off := signedIn(t, servertest.With(func(set *settings.Settings) { set.APICompatClient = false }))
	off.publish("public", "g", "a", "x", "")
	off.get("/console/config/snippets?group=g&dataId=a").is(200, "/nacos/v3/client/cs/config?").hides("/nacos/v1/", "namespace=")
}
