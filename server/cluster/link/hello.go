package link

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
)

// version is that of the protocol between nodes.
const version = 1

const (
	magic    = "nacr"
	maxHello = 4 << 10
)

// hello is what each side says first. On the wire: magic, the length as two bytes, JSON.
type hello struct {
	Version int    `json:"version"`
	Node    string `json:"node"`
	Cluster string `json:"cluster,omitempty"`
	Run     string `json:"run"`
	// Refused is why the answering side does not want the connection.
	Refused string `json:"refused,omitempty"`
}

var errNoHello = errors.New("what came is no hello")

func writeHello(w io.Writer, h hello) error {
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	frame := append([]byte(magic), 0, 0)
	binary.BigEndian.PutUint16(frame[len(magic):], uint16(len(b)))
	_, err = w.Write(append(frame, b...))
	return err
}

func readHello(r io.Reader) (h hello, err error) {
	var head [len(magic) + 2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return h, err
	}
	n := binary.BigEndian.Uint16(head[len(magic):])
	if string(head[:len(magic)]) != magic || n > maxHello {
		return h, errNoHello
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return h, err
	}
	if json.Unmarshal(b, &h) != nil || h.Node == "" {
		return h, errNoHello
	}
	return h, nil
}
