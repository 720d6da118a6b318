package udp

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"strconv"

	"nacre/server/naming"
	"nacre/web/api/wire"
)

const (
	// zipFrom is the size in bytes from which on a datagram is compressed, as in Nacos.
	zipFrom = 1024
	// maxDatagram is the most that UDP over IPv4 carries, maxDatagramOfGo what the library for Go reads.
	maxDatagram     = 65507
	maxDatagramOfGo = 4024
	// maxHosts bounds the work for a datagram: more instances than that do not fit in one.
	maxHosts = 10_000
	// numbers is how many numbers of datagrams there are. Libraries read them as floating point.
	numbers = 1 << 53
)

// formDatagram is the form of a view that this package keeps: the number, then the datagram.
const formDatagram = naming.Forms - 2

// datagram returns what tells a client of a view, and the number that its acknowledgement is to have: a random one, so that only who
// got it can know it. It returns no datagram for a view that fits in none.
func (p *Pusher) datagram(v *naming.View) (number uint64, packet []byte) {
	if len(v.Hosts) > maxHosts {
		return 0, nil
	}
	b := v.Encoded(formDatagram, func(v *naming.View) []byte {
		number := rand.Uint64N(numbers-1) + 1
		packet := p.zipped(appendPush(nil, v, p.registry.Switches().DefaultPushCacheMs, number))
		if len(packet) > maxDatagram {
			packet = nil
		}
		return append(binary.BigEndian.AppendUint64(nil, number), packet...)
	})
	return binary.BigEndian.Uint64(b), b[8:]
}

// appendPush appends the JSON of a push, in which the service stands as a text.
func appendPush(b []byte, v *naming.View, cacheMs int64, number uint64) []byte {
	b = wire.AppendJSON(append(b, `{"type":"dom","data":`...), wire.AppendUngrouped(nil, v, cacheMs))
	b = strconv.AppendUint(append(b, `,"lastRefTime":`...), number, 10)
	return append(b, '}')
}

// zipped compresses what is large enough.
func (p *Pusher) zipped(b []byte) []byte {
	if len(b) < zipFrom {
		return b
	}
	var out bytes.Buffer
	if p.zip == nil {
		p.zip = gzip.NewWriter(&out)
	} else {
		p.zip.Reset(&out)
	}
	p.zip.Write(b) // a buffer takes everything
	p.zip.Close()
	return out.Bytes()
}

// readAck reads the number of an acknowledgement, which libraries write as a number or as a text.
func readAck(b []byte) (number uint64, ok bool) {
	var ack struct {
		Type        string          `json:"type"`
		LastRefTime json.RawMessage `json:"lastRefTime"`
	}
	if json.Unmarshal(b, &ack) != nil || ack.Type != "push-ack" {
		return 0, false
	}
	digits := ack.LastRefTime
	if n := len(digits); n >= 2 && digits[0] == '"' {
		digits = digits[1 : n-1]
	}
	number, err := strconv.ParseUint(string(digits), 10, 64)
	return number, err == nil && number > 0 && number < numbers
}
