package wire

import (
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/google/go-cmp/cmp"
)

func TestParametersAreThoseOfQueryAndBody(t *testing.T) {
	for _, tc := range []struct {
		name, method, query, contentType, body string
		want                                   map[string]string
	}{
		{name: "a query", method: "GET", query: "dataId=a.yaml&group=g", want: map[string]string{"dataId": "a.yaml", "group": "g"}},
		{name: "the body of a GET does not count", method: "GET", query: "a=1", contentType: "application/x-www-form-urlencoded", body: "b=2", want: map[string]string{"a": "1"}},
		{name: "a form of a POST", method: "POST", contentType: "application/x-www-form-urlencoded", body: "a=1&b=2", want: map[string]string{"a": "1", "b": "2"}},
		{name: "a form of a PUT", method: "PUT", contentType: "application/x-www-form-urlencoded", body: "a=1", want: map[string]string{"a": "1"}},
		{name: "a form of a DELETE", method: "DELETE", contentType: "Application/X-WWW-Form-URLencoded", body: "a=1", want: map[string]string{"a": "1"}},
		{name: "a form of a PATCH", method: "PATCH", contentType: "application/x-www-form-urlencoded", body: "a=1", want: map[string]string{"a": "1"}},
		{name: "query and form mixed", method: "POST", query: "username=u", contentType: "application/x-www-form-urlencoded", body: "password=p", want: map[string]string{"username": "u", "password": "p"}},
		{name: "UTF-8 labelled as GBK", method: "POST", contentType: "application/x-www-form-urlencoded;charset=GBK", body: "content=%E4%B8%AD%E6%96%87", want: map[string]string{"content": "中文"}},
		{name: "raw UTF-8 without encoding", method: "POST", contentType: "application/x-www-form-urlencoded", body: "content=中文", want: map[string]string{"content": "中文"}},
		{name: "an ampersand at the end", method: "POST", contentType: "application/x-www-form-urlencoded", body: "a=1&", want: map[string]string{"a": "1"}},
		{name: "a broken encoding drops its pair alone", method: "GET", query: "dataId=%zz&group=g", want: map[string]string{"group": "g"}},
		{name: "an encoding that ends early", method: "GET", query: "a=1%4&b=%&c=2", want: map[string]string{"c": "2"}},
		{name: "a broken encoding in the name", method: "GET", query: "%zz=1&b=2", want: map[string]string{"b": "2"}},
		{name: "an encoded name", method: "GET", query: "data%49d=x", want: map[string]string{"dataId": "x"}},
		{name: "plus is a blank and %2B is a plus", method: "GET", query: "a=1+2%2B3", want: map[string]string{"a": "1 2+3"}},
		{name: "a name twice is joined", method: "GET", query: "a=1&b=x&a=2", want: map[string]string{"a": "1,2", "b": "x"}},
		{name: "query before body", method: "POST", query: "a=1", contentType: "application/x-www-form-urlencoded", body: "a=2", want: map[string]string{"a": "1,2"}},
		{name: "empty values", method: "GET", query: "a=&b&=c&&", want: map[string]string{"a": "", "b": ""}},
		{name: "a JSON body has no parameters", method: "POST", contentType: "application/json", body: `{"a":"1"}`, want: map[string]string{}},
		{name: "bytes that are not UTF-8 are replaced", method: "GET", query: "a=x%ff", want: map[string]string{"a": "x\uFFFD"}},
		{name: "a null byte", method: "GET", query: "a=%00", want: map[string]string{"a": "\x00"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := httptest.NewRequest(tc.method, "/x?"+tc.query, strings.NewReader(tc.body))
			if tc.contentType != "" {
				req.Header.Set("Content-Type", tc.contentType)
			}
			if got := parsed(t, req); !cmp.Equal(got, tc.want) {
				t.Fatal(cmp.Diff(got, tc.want))
			}
		})
	}
}

func TestMultipartFieldsAreParameters(t *testing.T) {
	var b strings.Builder
	w := multipart.NewWriter(&b)
	for k, v := range map[string]string{"dataId": "a", "content": "a & b\n中"} {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	req := httptest.NewRequest("POST", "/x?group=g", strings.NewReader(b.String()))
	req.Header.Set("Content-Type", w.FormDataContentType())
	want := map[string]string{"dataId": "a", "group": "g", "content": "a & b\n中"}
	if got := parsed(t, req); !cmp.Equal(got, want) {
		t.Fatal(cmp.Diff(got, want))
	}
}

// parsed sends req through a Fiber app and returns the parameters that its handler saw.
func parsed(t *testing.T, req *http.Request) map[string]string {
	t.Helper()
	got := map[string]string{}
	app := fiber.New()
	app.All("/x", func(c *fiber.Ctx) error {
		var p Params
		p.Parse(c)
		p.Names(func(name, _ string) {
			if v, ok := p.Get(name); ok {
				got[strings.Clone(name)] = v
			}
		})
		return nil
	})
	res, err := app.Test(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return got
}

func TestFirstIsWhatAServletSees(t *testing.T) {
	var p Params
	p.ParseText([]byte("a=1&a=2"))
	if v, _ := p.First("a"); v != "1" {
		t.Fatalf("first is %q", v)
	}
	if !p.Is("a", "2") || p.Is("a", "1,2") {
		t.Fatal("Is must see each of the values")
	}
}

func TestManyParametersSpillOver(t *testing.T) {
	var b strings.Builder
	for i := range 100 {
		b.WriteString("k" + string(rune('a'+i%26)) + "=" + strings.Repeat("x", i) + "&")
	}
	b.WriteString("last=%41")
	var p Params
	p.ParseText([]byte(b.String()))
	if v, _ := p.Get("last"); v != "A" {
		t.Fatalf("last is %q", v)
	}
	n := 0
	p.Names(func(_, _ string) { n++ })
	if n != 101 {
		t.Fatalf("%d parameters, want 101", n)
	}
}

func TestParsingAPlainQueryDoesNotAllocate(t *testing.T) {
	query := []byte("dataId=app.yaml&group=DEFAULT_GROUP&tenant=dev")
	n := testing.AllocsPerRun(100, func() {
		var p Params
		p.ParseText(query)
		if v, _ := p.View("group"); v != "DEFAULT_GROUP" {
			t.Fatal(v)
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// FuzzForm compares the parser with the standard library's where both take the same input.
func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=1&b=%E4%B8%AD&", "a=%zz", "%41=%42&a+b=c+d", "&&==&a", "Listening-Configs=a%02b%02%01&", "a=%", "\xff=\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p Params
		p.ParseText([]byte(text))
		got := url.Values{}
		p.Names(func(k, v string) { got.Add(strings.Clone(k), strings.Clone(v)) })
		want := url.Values{}
		for one := range strings.SplitSeq(text, "&") {
			k, v, _ := strings.Cut(one, "=")
			key, err1 := url.QueryUnescape(k)
			value, err2 := url.QueryUnescape(v)
			if k != "" && err1 == nil && err2 == nil {
				want.Add(key, value)
			}
		}
		if p.n < maxPairs && !cmp.Equal(got, want) {
			t.Fatal(cmp.Diff(got, want))
		}
		for k, values := range want {
			if v, ok := p.View(k); !ok || v != strings.Join(values, ",") {
				t.Fatalf("%q is %q, want %q", k, v, values)
			}
		}
	})
}
