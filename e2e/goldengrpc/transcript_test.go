// Package goldengrpc replays, as a client would, what SDKs and hand-made calls said to a real Nacos over
// gRPC, against a real Nacre, and compares the answers and the pushes.
package goldengrpc

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// record is one line of a transcript: a step of the client, a message, or an event of the transport.
type record struct {
	Step      string            `json:"step"`
	Conn      int               `json:"conn"`
	Direction string            `json:"direction"`
	Call      string            `json:"call"`
	Stream    int               `json:"stream"`
	Type      string            `json:"type"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	Raw       string            `json:"raw"` // a body that is not JSON
	Event     string            `json:"event"`
}

func (r *record) fromClient() bool { return r.Direction == "c2s" }

// field returns a text field of the body.
func (r *record) field(name string) string {
	s, _ := object(r.Body)[name].(string)
	return s
}

func load(t *testing.T, name string) []record {
	f, err := os.Open(filepath.Join("testdata", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []record
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	ports := probed(t, name)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal([]byte(ports.Replace(lines.Text())), &r); err != nil {
			t.Fatalf("%s, line %d: %v", name, len(out)+1, err)
		}
		out = append(out, r)
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return out
}

// probed opens the ports that were open when a transcript was recorded, and returns what puts them in the places of those.
func probed(t *testing.T, name string) *strings.Replacer {
	if name != "raw" {
		return strings.NewReplacer()
	}
	var pairs []string
	for _, recorded := range []string{"44031", "31190"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		pairs = append(pairs, recorded, port)
	}
	return strings.NewReplacer(pairs...)
}

// part says to which part of the product a type of message belongs that is not compared here, "" for those that are.
func part(typ string) string {
	if strings.HasPrefix(typ, "Lock") {
		return "locks"
	}
	return ""
}

func object(b []byte) map[string]any {
	var m map[string]any
	_ = json.Unmarshal(b, &m)
	return m
}
