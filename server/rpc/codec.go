package rpc

import (
	"errors"

	_ "google.golang.org/grpc/encoding/gzip" // clients may compress (grpc.md §1)
	"google.golang.org/grpc/mem"
)

// incoming is a message as it arrived. It holds buffers of gRPC until it is freed.
type incoming struct{ data mem.BufferSlice }

// outgoing is a message ready to be sent: an envelope that nobody changes any more.
type outgoing struct {
	b  []byte
	to *link  // whose large answers count until they are sent; nil for what is small, or bounded otherwise
	of string // the type of the request that it answers
}

// sentPool is told when gRPC let go of an answer.
type sentPool struct {
	to   *link
	size int64
}

// Get implements mem.BufferPool; it is not called.
func (sentPool) Get(n int) *[]byte { b := make([]byte, n); return &b }

// Put implements mem.BufferPool. The bytes are shared with others and stay as they are.
func (p sentPool) Put(*[]byte) { p.to.answers.Add(-p.size) }

// codec passes bytes through: messages are read and written by package payload. Its name is the one that
// clients ask for.
type codec struct{}

// Name implements encoding.CodecV2.
func (codec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	o, ok := v.(*outgoing)
	if !ok {
		return nil, errors.New("not an outgoing message")
	}
	if n := int64(len(o.b)); o.to != nil {
		if o.to.answers.Add(n) <= answersMost+n {
			return mem.BufferSlice{mem.NewBuffer(&o.b, sentPool{o.to, n})}, nil
		}
		o.to.answers.Add(-n)
		return mem.BufferSlice{mem.SliceBuffer(tooManyAnswers(o.of).b)}, nil
	}
	return mem.BufferSlice{mem.SliceBuffer(o.b)}, nil
}

// Unmarshal implements encoding.CodecV2.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	in, ok := v.(*incoming)
	if !ok {
		return errors.New("not an incoming message")
	}
	data.Ref()
	in.data = data
	return nil
}

// bytes returns the message in one piece, which is valid until free.
func (in *incoming) bytes() []byte {
	if len(in.data) == 0 {
		return nil
	}
	if len(in.data) > 1 {
		one := in.data.MaterializeToBuffer(mem.DefaultBufferPool())
		in.data.Free()
		in.data = mem.BufferSlice{one}
	}
	return in.data[0].ReadOnlyData()
}

func (in *incoming) free() {
	in.data.Free()
	in.data = nil
}

// tooManyAnswers refuses a request of a client that does not read.
func tooManyAnswers(typ string) reply {
	return ownFailure(typ, codeOver, "too many large answers wait for being read on this connection, try again")
}
