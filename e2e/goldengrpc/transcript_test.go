// Package goldengrpc replays, as a client would, what SDKs and hand-made calls said to a real Nacos over
// gRPC, against a real Nacre, and compares the answers and the pushes.
package goldengrpc

import (
	"bufio"
	"encoding/json"
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
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%s, line %d: %v", name, len(out)+1, err)
		}
		out = append(out, r)
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return out
}

// part says to which part of the product a type of message belongs that is not compared here, "" for those that are.
func part(typ string) string {
	switch {
	case strings.HasPrefix(typ, "Lock"):
		return "locks"
	case strings.HasPrefix(typ, "Naming"), strings.Contains(typ, "Instance"), strings.Contains(typ, "Service"), strings.Contains(typ, "Subscribe"):
		return "naming"
	}
	return ""
}

func object(b []byte) map[string]any {
	var m map[string]any
	_ = json.Unmarshal(b, &m)
	return m
}
