package wire

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nacre/server/clock"
	"nacre/server/naming"
	"nacre/server/resource"
)

func TestMetadataIsJSONOrPairs(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       map[string]string
		bad        bool
	}{
		{name: "nothing", text: " ", want: map[string]string{}},
		{name: "an empty object", text: "{ }", want: map[string]string{}},
		{name: "null", text: "null", want: map[string]string{}},
		{name: "texts", text: `{"b":"2","a":"1"}`, want: map[string]string{"a": "1", "b": "2"}},
		{name: "blanks between", text: " {\n\"a\" :\t\"1\" , \"b\":\"\"} ", want: map[string]string{"a": "1", "b": ""}},
		{name: "of a key twice the last", text: `{"b":"1","a":"x","b":"2","b":"3"}`, want: map[string]string{"a": "x", "b": "3"}},
		{name: "scalars are texts", text: `{"a":1,"b":-2.50,"c":true,"d":null,"e":1e3}`, want: map[string]string{"a": "1", "b": "-2.50", "c": "true", "e": "1e3"}},
		{name: "escapes", text: `{"a\u0041":"\"é\n"}`, want: map[string]string{"aA": "\"é\n"}},
		{name: "no UTF-8 in JSON", text: "{\"a\":\"x\xff\"}", want: map[string]string{"a": "x\uFFFD"}},
		{name: "pairs", text: "a=1,b=2", want: map[string]string{"a": "1", "b": "2"}},
		{name: "a comma at the end", text: "a=1,", want: map[string]string{"a": "1"}},
		{name: "no UTF-8 in pairs", text: "a=x\xff", want: map[string]string{"a": "x\uFFFD"}},
		{name: "an object in an object", text: `{"a":{}}`, bad: true},
		{name: "a list", text: `["a"]`, bad: true},
		{name: "a key without a value", text: "a=", bad: true},
		{name: "two values", text: "a=b=c", bad: true},
		{name: "a word", text: "a", bad: true},
		{name: "half an object", text: `{"a":"1"`, bad: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, ok := metadata(tc.text)
			if ok == tc.bad {
				t.Fatalf("taken: %v", ok)
			}
			if ok && !cmp.Equal(m.Map(), tc.want) {
				t.Fatal(cmp.Diff(m.Map(), tc.want))
			}
			for i := 1; i < len(m); i++ {
				if m[i-1].Key >= m[i].Key {
					t.Fatalf("%v is not in order", m)
				}
			}
		})
	}
}

// FuzzHeartbeat compares the reader of plain heartbeats with the one that the standard library does.
func FuzzHeartbeat(f *testing.F) {
	for _, s := range []string{
		`{"ip":"10.0.0.1","port":80,"weight":1.0,"serviceName":"g@@s","cluster":"c","metadata":{"a":"b"},"scheduled":true,"period":5000}`,
		`{"port":"80","weight":"2"}`, `{"metadata":null}`, `{"metadata":[]}`, `{"metadata":0}`, `{"x":[1,{"y":2}]}`, `{}`, `{"ip":1}`, `{"port":1.5}`, "{", `{"a":1,}`, `{"ip":"a","ip":"b"}`,
		`{"port":+1}`, `{"port":01}`, `{"ip":"é"}`, `{"metadata":{"a":1,"a":2}}`, `{"metadata":{"a":1},"metadata":{"b":1}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, `"metadata"`) > 1 || strings.Count(text, `\u`) > 0 {
			return // the standard library merges the two objects
		}
		got, ok := Beat(text)
		want, wantOK := slowBeat(text)
		if got, want := shape(got), shape(want); ok != wantOK || ok && got != want {
			t.Fatalf("%q is %v %s, want %v %s", text, ok, got, wantOK, want)
		}
	})
}

func shape(b BeatInfo) string {
	if len(b.Metadata) == 0 {
		b.Metadata = nil
	}
	text, err := json.Marshal(b)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// FuzzMetadata compares the reader of plain objects with the standard library.
func FuzzMetadata(f *testing.F) {
	for _, s := range []string{`{"a":"b","c":1,"d":null,"e":true}`, `{"b":1,"a":2}`, `{"a":1e5}`, `{"a":-}`, `{"":""}`, `{"a":"\n"}`, ` { } `, `{"a":"b"}x`, `{"a":0,"a":null}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := object{text: text}
		m, ok := o.pairs()
		if !ok || !o.ended() {
			return
		}
		var fields map[string]any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&fields); err != nil {
			t.Fatalf("%q is no JSON: %v", text, err)
		}
		want, wantOK := metadataOfAny(fields)
		if !wantOK || !cmp.Equal(m.Map(), want.Map()) {
			t.Fatalf("%q is %v, want %v", text, m, want)
		}
	})
}

func TestInstancesReadBackAsTheyWere(t *testing.T) {
	text := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom([]rune("\"\\\n\x00a<é"))))
	rapid.Check(t, func(t *rapid.T) {
		k := naming.Key{Namespace: "public", Group: rapid.StringMatching(`[a-z]{1,9}`).Draw(t, "group"), Name: text.Filter(func(s string) bool { return s != "" }).Draw(t, "name")}
		i := naming.Instance{
			IP: text.Draw(t, "ip"), Port: rapid.IntRange(0, 65535).Draw(t, "port"), Cluster: text.Draw(t, "cluster"), Weight: rapid.Float64Range(0, 10_000).Draw(t, "weight"),
			Healthy: rapid.Bool().Draw(t, "healthy"), Enabled: rapid.Bool().Draw(t, "enabled"), Ephemeral: rapid.Bool().Draw(t, "ephemeral"),
			Metadata: naming.MetadataOf(rapid.MapOf(text, text).Draw(t, "metadata")), IDForm: naming.IDForm(rapid.IntRange(0, 4).Draw(t, "id form")), ID: text.Draw(t, "id"),
		}
		var got struct {
			InstanceID, IP, ClusterName, ServiceName string
			Port                                     int
			Weight                                   float64
			Healthy, Enabled, Ephemeral              bool
			Metadata                                 map[string]string
			InstanceHeartBeatInterval                int64
		}
		if err := json.Unmarshal(AppendInstance(nil, k, &i), &got); err != nil {
			t.Fatalf("%s: %v", AppendInstance(nil, k, &i), err)
		}
		if got.InstanceID != string(i.AppendID(nil, k)) || got.IP != i.IP || got.Port != i.Port || got.ClusterName != i.Cluster || got.ServiceName != k.Grouped() ||
			got.Weight != i.Weight || got.Healthy != i.Healthy || got.Enabled != i.Enabled || got.Ephemeral != i.Ephemeral ||
			!cmp.Equal(got.Metadata, i.Metadata.Map()) || got.InstanceHeartBeatInterval != naming.BeatsOf(i.Metadata).IntervalMs {
			t.Fatalf("%+v is not %+v", got, i)
		}
	})
}

func TestNumbersAreWrittenAsJavaWritesThem(t *testing.T) {
	for f, want := range map[float64]string{0: "0.0", 1: "1.0", 2.5: "2.5", 10_000: "10000.0", 0.1: "0.1"} {
		if got := Decimal(f).String(); got != want {
			t.Errorf("%v is %s, want %s", f, got, want)
		}
	}
	if got := Threshold(float64(float32(0.7))).String(); got != "0.7" {
		t.Errorf("a threshold of 0.7 is %s", got)
	}
}

func TestOnlyLibrariesThatUnderstandAPushSubscribe(t *testing.T) {
	type told struct {
		Asker
		k        naming.Key
		clusters string
	}
	key := naming.Key{Namespace: "public", Group: "g", Name: "s"}
	for _, tc := range []struct {
		agent, version string
		port           int
		want           bool
	}{
		{"Nacos-Java-Client:v1.4.8", "", 5000, true}, {"Nacos-Java-Client:v1.0.0", "", 5000, true}, {"", "Nacos-Go-Client:v1.0.1", 5000, true},
		{"Nacos-C-Client:v1.0.12", "", 5000, true}, {"vip-client4cpp:v1.0.11", "", 5000, false}, {"Nacos-CSharp-Client:v0.9.0", "", 5000, true},
		{"Nacos-CSharp-Client:v0.8.9", "", 5000, false}, {"Nacos-DNS", "", 5000, true}, {"Nacos-Python-Client:v1.0", "", 5000, false}, {"curl/8", "", 5000, false},
		{"Nacos-Java-Client:v1.4.8", "", 0, false}, {"Nacos-Java-Client:v1.4.8", "", -1, false}, {"Nacos-Java-Client:v1.4.8", "", 65536, false}, {"Nacos-Java-Client", "", 5000, false},
	} {
		var got []told
		registry, _ := naming.New(naming.Config{Clock: clock.System{}})
		d := &Deps{Naming: registry, ClientIP: func(*fiber.Ctx) string { return "10.9.9.9" }, Subscribed: func(from Asker, k naming.Key, clusters string) {
			got = append(got, told{from, k, clusters})
		}}
		app := fiber.New()
		app.Get("/", func(c *fiber.Ctx) error { d.Subscribe(c, "10.8.8.8", tc.port, key, "a,b"); return nil })
		req := httptest.NewRequest("GET", "/", nil)
		req.Header.Set("User-Agent", tc.agent)
		req.Header.Set("Client-Version", tc.version)
		if _, err := app.Test(req); err != nil {
			t.Fatal(err)
		}
		if (len(got) == 1) != tc.want {
			t.Errorf("%q and %q: told %v", tc.agent, tc.version, got)
		}
		if tc.want && got[0] != (told{Asker{"10.9.9.9", "10.8.8.8", tc.port, tc.agent + tc.version}, key, "a,b"}) {
			t.Errorf("told %+v", got[0])
		}
	}
}

func TestVersionsAreComparedNumberByNumber(t *testing.T) {
	for _, tc := range []struct {
		version, minimum string
		older            bool
	}{
		{"1.0.0", "0.1.0", false}, {"0.0.9", "0.1.0", true}, {"1.0.12", "1.0.12", false}, {"1.0.9", "1.0.12", true}, {"2", "1.9.9", false}, {"", "0.1.0", true},
		{"1.2.0-SNAPSHOT", "1.2.0", false}, {"x.y", "0.0.0", false}, {"99999999999999999999.0", "1.0", false},
	} {
		if older(tc.version, tc.minimum) != tc.older {
			t.Errorf("%q is older than %q: %v", tc.version, tc.minimum, !tc.older)
		}
	}
}

func TestGroupedNames(t *testing.T) {
	for _, tc := range []struct {
		namespace, group, service string
		want                      naming.Key
		bad                       string
	}{
		{"", "", "s", naming.Key{Namespace: "public", Group: resource.DefaultGroup, Name: "s"}, ""},
		{" ", "g", "s", naming.Key{Namespace: "public", Group: "g", Name: "s"}, ""},
		{"dev", "g", "h@@s", naming.Key{Namespace: "dev", Group: "h", Name: "s"}, ""},
		{"", "g", "@@s", naming.Key{Namespace: "public", Name: "s"}, GroupMissing},
		{"", "g", "h@@", naming.Key{Namespace: "public", Group: "h"}, NotGrouped},
	} {
		if k, bad := GroupedKey(tc.namespace, tc.group, tc.service); k != tc.want || bad != tc.bad {
			t.Errorf("%+v: got %+v, %q", tc, k, bad)
		}
	}
}

func TestPagesOfAnyNumbers(t *testing.T) {
	all := []int{1, 2, 3}
	rapid.Check(t, func(t *rapid.T) {
		page, size := rapid.Int().Draw(t, "page"), rapid.Int().Draw(t, "size")
		if got := PageOfList(all, page, size); len(got) > max(size, 0) {
			t.Fatalf("%d of %d", len(got), size)
		}
	})
	if got := PageOfList(all, 2, 2); !cmp.Equal(got, []int{3}) {
		t.Errorf("the second page is %v", got)
	}
}
