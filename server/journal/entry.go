package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// An entry is a group of commands as it stands in the raft log: a version byte, in version 2 its
// origin, then per command its kind (uvarint), the length of its body (uvarint) and the body. The log
// around it has the checksum.
const (
	plainVersion  = 1
	originVersion = 2
	maxNode       = 128 // bytes of a node's id
)

var errEntry = errors.New("entry is cut short")

// Origin says who waits for an entry and when it counts. The zero value is nobody, always.
type Origin struct {
	// Node is the id of the node that waits for it.
	Node string
	// Run tells the node's process apart from those before it, whose Seq began anew.
	Run uint64
	// Seq is the number of the group in that run.
	Seq uint64
	// Term is the only term of raft's in which the entry counts; one that came to the log in another
	// term changes nothing, on any node. So whoever sees a later term knows that it can't come any more.
	Term uint64
}

// EncodeEntry returns the entry that holds group; without an origin in the form of a group of one.
func EncodeEntry(o Origin, group []Command) []byte {
	size := 1 + 1 + len(o.Node) + 8 + 2*binary.MaxVarintLen64
	for _, c := range group {
		size += len(c.Body) + 2*binary.MaxVarintLen32
	}
	b := make([]byte, 0, size)
	if o == (Origin{}) {
		b = append(b, plainVersion)
	} else {
		b = append(b, originVersion)
		b = binary.AppendUvarint(b, uint64(len(o.Node)))
		b = append(b, o.Node...)
		b = binary.LittleEndian.AppendUint64(b, o.Run)
		b = binary.AppendUvarint(b, o.Seq)
		b = binary.AppendUvarint(b, o.Term)
	}
	for _, c := range group {
		b = binary.AppendUvarint(b, uint64(c.Kind))
		b = binary.AppendUvarint(b, uint64(len(c.Body)))
		b = append(b, c.Body...)
	}
	return b
}

// DecodeOrigin returns the origin of an entry and what follows it.
func DecodeOrigin(b []byte) (o Origin, commands []byte, err error) {
	switch {
	case len(b) > 0 && b[0] == plainVersion:
		return Origin{}, b[1:], nil
	case len(b) == 0 || b[0] != originVersion:
		return Origin{}, nil, fmt.Errorf("entry has an unknown version")
	}
	size, n := binary.Uvarint(b[1:])
	b = b[1+max(n, 0):]
	if n <= 0 || size > maxNode || uint64(len(b)) < size+8 {
		return Origin{}, nil, errEntry
	}
	o.Node, o.Run = string(b[:size]), binary.LittleEndian.Uint64(b[size:])
	b = b[size+8:]
	for _, v := range []*uint64{&o.Seq, &o.Term} {
		if *v, n = binary.Uvarint(b); n <= 0 {
			return Origin{}, nil, errEntry
		}
		b = b[n:]
	}
	return o, b, nil
}

// DecodeEntry returns the origin and the group that an entry holds. The bodies alias b.
func DecodeEntry(b []byte) (Origin, []Command, error) {
	o, b, err := DecodeOrigin(b)
	if err != nil {
		return Origin{}, nil, err
	}
	var group []Command
	for len(b) > 0 {
		kind, n := binary.Uvarint(b)
		if n <= 0 || kind > 0xffff {
			return Origin{}, nil, errEntry
		}
		size, m := binary.Uvarint(b[n:])
		if m <= 0 || size > uint64(len(b)-n-m) {
			return Origin{}, nil, errEntry
		}
		b = b[n+m:]
		group = append(group, Command{Kind: Kind(kind), Body: b[:size:size]})
		b = b[size:]
	}
	return o, group, nil
}
