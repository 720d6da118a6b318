package site

import (
	"testing"

	"github.com/valyala/fasthttp"
)

func TestPagesOfOtherSitesAreTold(t *testing.T) {
	for name, tc := range map[string]struct {
		header        map[string]string
		own, harmless bool
	}{
		"no browser":                              {nil, true, true},
		"a page of this server":                   {map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://nacre:8848"}, true, true},
		"an address that a person typed":          {map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, true, true},
		"a link on another site":                  {map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, false, true},
		"a form of another site":                  {map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "method": "POST"}, false, false},
		"a script of another site":                {map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, false, false},
		"this host on another port":               {map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, false, false},
		"something that is new":                   {map[string]string{"Sec-Fetch-Site": "x"}, false, false},
		"an old browser on this server":           {map[string]string{"Origin": "http://NACRE:8848", "method": "POST"}, true, true},
		"an old browser elsewhere":                {map[string]string{"Origin": "http://evil.example", "method": "POST"}, false, false},
		"an old browser on another port":          {map[string]string{"Origin": "http://nacre:80", "method": "POST"}, false, false},
		"a page without a name":                   {map[string]string{"Origin": "null", "method": "POST"}, false, false},
		"an origin that is none":                  {map[string]string{"Origin": "http://%zz", "method": "POST"}, false, false},
		"an origin without a host":                {map[string]string{"Origin": "http://", "method": "POST"}, false, false},
		"a page behind a proxy":                   {map[string]string{"Origin": "https://public.example", "X-Forwarded-Host": "public.example, inner", "method": "POST"}, true, true},
		"a page elsewhere, for a proxy":           {map[string]string{"Origin": "https://evil.example", "X-Forwarded-Host": "public.example", "method": "POST"}, false, false},
		"a proxy with another host that says TLS": {map[string]string{"Origin": "https://public.example", "Sec-Fetch-Site": "same-origin", "method": "POST"}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			var h fasthttp.RequestHeader
			h.SetMethod("GET")
			h.SetHost("nacre:8848")
			for k, v := range tc.header {
				if h.Set(k, v); k == "method" {
					h.SetMethod(v)
				}
			}
			if own, harmless := Own(&h), Harmless(&h); own != tc.own || harmless != tc.harmless {
				t.Errorf("own %v, harmless %v", own, harmless)
			}
		})
	}
}

func BenchmarkHarmless(b *testing.B) {
	var h fasthttp.RequestHeader
	h.SetMethod("GET")
	for _, name := range []string{"Host", "User-Agent", "Client-Version", "Accept-Encoding", "RequestId", "Request-Module", "Exconfiginfo", "Connection"} {
		h.Set(name, "x")
	}
	b.ReportAllocs()
	for b.Loop() {
		Harmless(&h)
	}
}
