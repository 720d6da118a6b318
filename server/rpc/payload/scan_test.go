package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"
)

// tree reads a body into what encoding/json makes of it.
func tree(v Value) any {
	switch v.kind {
	case object:
		out := map[string]any{}
		_ = v.Fields(func(name string, x Value) error { out[name] = tree(x); return nil })
		return out
	case array:
		out := []any{}
		_ = v.Items(func(x Value) error { out = append(out, tree(x)); return nil })
		return out
	case text:
		var s string
		_ = v.Text(&s, nil)
		return s
	case null:
		return nil
	case truth:
		var b bool
		_ = v.Bool(&b)
		return b
	}
	return json.Number(v.raw)
}

func FuzzFieldsReadsWhatEncodingJSONReads(f *testing.F) {
	for _, s := range []string{`{}`, ` {"a" : [1, 2.5e3, -0, "x\u00e9\ud83d\udc1a\n", null, true, {"b":{}}] , "a":"last"} `, `{"a":"\ud800"}`, `{"a":01}`, `{"a":tru}`, `{"a"}`, `{,}`, "{\"a\":\"\x01\"}", `[]`, `{"a":1}x`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := map[string]any{}
		err := Fields(b, func(name string, v Value) error { got[name] = tree(v); return nil })
		if !utf8.Valid(b) {
			return // encoding/json repairs what we refuse
		}
		var want map[string]any
		wantErr := unmarshal(b, &want)
		if err == nil && wantErr != nil {
			t.Fatalf("%q is read, encoding/json says %v", b, wantErr)
		}
		if err != nil {
			if wantErr == nil && want != nil && depth(want) < 40 {
				t.Fatalf("%q is refused, encoding/json reads it", b)
			}
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %v, want %v", b, got, want)
		}
	})
}

func depth(v any) int {
	most := 0
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			most = max(most, depth(x))
		}
	case []any:
		for _, x := range v {
			most = max(most, depth(x))
		}
	}
	return most + 1
}

func unmarshal(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); err == nil {
		return ErrBody
	} else if err.Error() != "EOF" {
		return err
	}
	return nil
}

func TestScalarsAreCoerced(t *testing.T) {
	type row struct {
		body string
		text string
		num  int64
		flag bool
		err  string
	}
	for _, r := range []row{
		{body: `{"t":"a","n":5,"b":true}`, text: "a", num: 5, flag: true},
		{body: `{"t":7,"n":"5","b":"true"}`, text: "7", num: 5, flag: true},
		{body: `{"t":true,"n":1.7,"b":1}`, text: "true", num: 1, flag: true},
		{body: `{"t":null,"n":null,"b":null}`, text: "unset", num: -1, flag: false},
		{body: `{"t":-1.50,"n":"","b":"false"}`, text: "-1.50", num: 0, flag: false},
		{body: `{"t":{}}`, err: "t"},
		{body: `{"t":[]}`, err: "t"},
		{body: `{"n":"x"}`, err: "n"},
		{body: `{"n":true}`, err: "n"},
		{body: `{"n":1e300}`, err: "n"},
		{body: `{"b":"yes"}`, err: "b"},
	} {
		text, num, flag := "unset", int64(-1), false
		bad := ""
		err := Fields([]byte(r.body), func(name string, v Value) (err error) {
			switch name {
			case "t":
				err = v.Text(&text, nil)
			case "n":
				err = v.Int(&num)
			case "b":
				err = v.Bool(&flag)
			}
			if err != nil {
				bad = name
			}
			return err
		})
		if bad != r.err || (err == nil) != (r.err == "") {
			t.Errorf("%s: refused %q (%v), want %q", r.body, bad, err, r.err)
		}
		if r.err == "" && (text != r.text || num != r.num || flag != r.flag) {
			t.Errorf("%s: got %q %d %t", r.body, text, num, flag)
		}
	}
}

func TestATextIsTakenInEveryWay(t *testing.T) {
	for _, r := range []struct{ value, want string }{
		{`""`, ""}, {`"a"`, "a"}, {`7`, "7"}, {`true`, "true"}, {`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"}, {`"\u00e9\uD83D\udc1a!"`, "\u00e9\U0001f41a!"},
		{`"\ud83d"`, "\ufffd"}, {`"\ud83dx\udc1a"`, "\ufffdx\ufffd"}, {`"\ud83d\u0041"`, "\ufffdA"}, {`"\ud83d\n"`, "\ufffd\n"}, {`"a\\u0041"`, `a\u0041`},
	} {
		var a, b string
		var c []byte
		given := false
		err := Fields([]byte(`{"t":`+r.value+`}`), func(_ string, v Value) error {
			return errors.Join(v.Text(&a, nil), v.TextLike(&b, &given, r.want), v.Content(&c))
		})
		if err != nil || a != r.want || b != r.want || string(c) != r.want || c == nil || !given {
			t.Errorf("%s: %q %q %q %t %v, want %q", r.value, a, b, c, given, err, r.want)
		}
	}
	for _, value := range []string{`null`, `{}`, `[]`} {
		text, content, given := "before", []byte(nil), false
		err := Fields([]byte(`{"t":`+value+`}`), func(_ string, v Value) error {
			return errors.Join(v.TextLike(&text, &given, "like"), v.Content(&content))
		})
		if text != "before" || content != nil || given || (err == nil) != (value == "null") {
			t.Errorf("%s: %q %q %t %v", value, text, content, given, err)
		}
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	body := []byte(`{"a":`)
	for range 100_000 {
		body = append(body, '[')
	}
	if err := Fields(body, func(string, Value) error { return nil }); err != ErrBody {
		t.Error(err)
	}
}
