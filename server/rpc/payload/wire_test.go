package payload

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"nacre/server/rpc/rpctest"
)

func TestAnEnvelopeIsReadAsItWasWritten(t *testing.T) {
	for _, body := range []string{"", "{}", strings.Repeat("x", 200), strings.Repeat("y", 1<<20)} {
		b := Encode("ConfigQueryResponse", "10.0.0.1", []byte(body))
		m, err := Decode(b)
		if err != nil || string(m.Type) != "ConfigQueryResponse" || string(m.ClientIP) != "10.0.0.1" || !bytes.Equal(m.Body, []byte(body)) {
			t.Fatalf("%.80q: %v, type %s, ip %s", body, err, m.Type, m.ClientIP)
		}
		if cap(b) != len(b) {
			t.Errorf("%d bytes in an array of %d", len(b), cap(b))
		}
	}
}

func TestHeadersAreFoundWithoutCase(t *testing.T) {
	b := rpctest.Message{Type: "X", Headers: map[string]string{"accessToken": "t", "App": "a"}, Body: []byte("{}")}.Marshal()
	m, err := Decode(b)
	if err != nil || m.Header("ACCESSTOKEN") != "t" || m.Header("app") != "a" || m.Header("other") != "" {
		t.Errorf("%v %q %q", err, m.Header("ACCESSTOKEN"), m.Header("app"))
	}
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	b := protowire.AppendTag(nil, 9, protowire.VarintType)
	b = protowire.AppendVarint(b, 7)
	b = append(b, Encode("X", "", []byte("{}"))...)
	if m, err := Decode(b); err != nil || string(m.Type) != "X" {
		t.Errorf("%v %+v", err, m)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode("ConfigQueryRequest", "1.2.3.4", []byte(`{"dataId":"a"}`)))
	f.Add(rpctest.Message{Type: "X", Headers: map[string]string{"a": "b"}, Body: []byte("{}")}.Marshal())
	f.Add([]byte{0x12, 0x05, 0x1a, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		m.Header("a")
		again, err := Decode(Encode(string(m.Type), string(m.ClientIP), m.Body))
		if err != nil || !bytes.Equal(again.Type, m.Type) || !bytes.Equal(again.ClientIP, m.ClientIP) || !bytes.Equal(again.Body, m.Body) {
			t.Fatalf("%v: %q became %q", err, m, again)
		}
	})
}
