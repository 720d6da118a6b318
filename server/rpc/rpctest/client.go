// Package rpctest is a gRPC client of the Nacos protocol for tests: it sends what SDKs send, and what
// they would not, and shows what comes back as it came.
package rpctest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// Message is one payload of the protocol (grpc.md §1).
type Message struct {
	Type     string
	ClientIP string
	Headers  map[string]string
	// Body is JSON text.
	Body []byte
}

// Field returns a field of the body, nil when it is absent.
func (m Message) Field(name string) any {
	var body map[string]any
	if json.Unmarshal(m.Body, &body) != nil {
		return nil
	}
	return body[name]
}

// Text returns a field of the body as text, "" when it is absent.
func (m Message) Text(name string) string {
	switch v := m.Field(name).(type) {
	case string:
		return v
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

// Int returns a number of the body, -1 when it is absent.
func (m Message) Int(name string) int {
	if v, ok := m.Field(name).(float64); ok {
		return int(v)
	}
	return -1
}

// String returns the message as one line.
func (m Message) String() string { return m.Type + " " + string(m.Body) }

// Marshal returns the message in protobuf's wire form.
func (m Message) Marshal() []byte {
	var meta []byte
	meta = protowire.AppendTag(meta, 3, protowire.BytesType)
	meta = protowire.AppendString(meta, m.Type)
	for k, v := range m.Headers {
		var entry []byte
		entry = protowire.AppendTag(entry, 1, protowire.BytesType)
		entry = protowire.AppendString(entry, k)
		entry = protowire.AppendTag(entry, 2, protowire.BytesType)
		entry = protowire.AppendString(entry, v)
		meta = protowire.AppendTag(meta, 7, protowire.BytesType)
		meta = protowire.AppendBytes(meta, entry)
	}
	if m.ClientIP != "" {
		meta = protowire.AppendTag(meta, 8, protowire.BytesType)
		meta = protowire.AppendString(meta, m.ClientIP)
	}
	var body []byte
	body = protowire.AppendTag(body, 2, protowire.BytesType)
	body = protowire.AppendBytes(body, m.Body)
	var out []byte
	out = protowire.AppendTag(out, 2, protowire.BytesType)
	out = protowire.AppendBytes(out, meta)
	out = protowire.AppendTag(out, 3, protowire.BytesType)
	return protowire.AppendBytes(out, body)
}

// Unmarshal reads a message in protobuf's wire form.
func Unmarshal(b []byte) (Message, error) {
	var m Message
	err := fields(b, func(n protowire.Number, v []byte) error {
		switch n {
		case 2:
			return fields(v, m.metadata)
		case 3:
			return fields(v, func(n protowire.Number, v []byte) error {
				if n == 2 {
					m.Body = v
				}
				return nil
			})
		}
		return nil
	})
	return m, err
}

func (m *Message) metadata(n protowire.Number, v []byte) error {
	switch n {
	case 3:
		m.Type = string(v)
	case 8:
		m.ClientIP = string(v)
	case 7:
		var entry [3]string
		if err := fields(v, func(n protowire.Number, v []byte) error {
			if n <= 2 {
				entry[n] = string(v)
			}
			return nil
		}); err != nil {
			return err
		}
		if m.Headers == nil {
			m.Headers = make(map[string]string)
		}
		m.Headers[entry[1]] = entry[2]
	}
	return nil
}

// fields calls f for each length-delimited field of b.
func fields(b []byte, f func(protowire.Number, []byte) error) error {
	for len(b) > 0 {
		n, typ, used := protowire.ConsumeTag(b)
		if used < 0 {
			return protowire.ParseError(used)
		}
		b = b[used:]
		if typ != protowire.BytesType {
			if used = protowire.ConsumeFieldValue(n, typ, b); used < 0 {
				return protowire.ParseError(used)
			}
			b = b[used:]
			continue
		}
		v, used := protowire.ConsumeBytes(b)
		if used < 0 {
			return protowire.ParseError(used)
		}
		if err := f(n, v); err != nil {
			return err
		}
		b = b[used:]
	}
	return nil
}

// codec passes bytes as they are.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// Options say how a client behaves. The zero value is a Java SDK of version 3 that asks for configurations.
type Options struct {
	// Setup are the fields of ConnectionSetupRequest; nil are those of a Java client. The labels source and module are needed.
	Setup map[string]any
	// IP is the address that the client claims; default 127.0.0.1.
	IP string
	// Push gets every request of the server, on the goroutine that reads the stream, and returns whether to acknowledge it. Nil acknowledges all.
	Push func(Message) bool
	// Dial makes the connection; nil dials TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// NoSetup opens no stream.
	NoSetup bool
	// Window is the size in bytes of the stream's and the connection's receive window; 0 is the library's.
	Window int32
	// Gzip compresses what is sent.
	Gzip bool
}

// Client is one connection to a server. Close it in the end.
type Client struct {
	// ConnectionID is what the server calls the connection.
	ConnectionID string

	opts    Options
	conn    *grpc.ClientConn
	cancel  context.CancelFunc // ends all streams
	streams context.Context
	readers sync.WaitGroup

	sending sync.Mutex // guards stream, and writing to it
	stream  *stream    // the last one opened, nil without
}

// stream is a stream of a client with its reader.
type stream struct {
	grpc.ClientStream
	ended chan struct{}
	err   error // why it ended; read it after ended is closed
}

// noStream is of a client that has none.
var noStream = func() *stream {
	s := &stream{ended: make(chan struct{}), err: errors.New("the client has no stream")}
	close(s.ended)
	return s
}()

// last returns the stream that was opened last.
func (c *Client) last() *stream {
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.stream == nil {
		return noStream
	}
	return c.stream
}

// JavaSetup returns the fields of ConnectionSetupRequest that a Java SDK of version 3 sends.
func JavaSetup(app string) map[string]any {
	return map[string]any{
		"headers": map[string]string{}, "module": "internal", "clientVersion": "Nacos-Java-Client:v3.1.1", "tenant": "",
		"labels":       map[string]string{"source": "sdk", "module": "config", "AppName": app, "taskId": "0"},
		"abilityTable": map[string]bool{"fuzzyWatch": true, "lock": true},
	}
}

// Dial connects, checks the server, and introduces the client, waiting for the server's abilities where
// it asked for them. It blocks until ctx ends at most.
func Dial(ctx context.Context, addr string, o Options) (*Client, error) {
	if o.IP == "" {
		o.IP = "127.0.0.1"
	}
	if o.Setup == nil {
		o.Setup = JavaSetup("test")
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec{}), grpc.MaxCallRecvMsgSize(64<<20), grpc.MaxCallSendMsgSize(64<<20)),
		grpc.WithSharedWriteBuffer(true), grpc.WithReadBufferSize(4 << 10), grpc.WithNoProxy(), grpc.WithIdleTimeout(0),
	}
	if o.Dial != nil {
		options = append(options, grpc.WithContextDialer(o.Dial))
	}
	if o.Window > 0 {
		options = append(options, grpc.WithInitialWindowSize(o.Window), grpc.WithInitialConnWindowSize(o.Window))
	}
	if o.Gzip {
		options = append(options, grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)))
	}
	conn, err := grpc.NewClient("passthrough:///"+addr, options...)
	if err != nil {
		return nil, err
	}
	c := &Client{opts: o, conn: conn}
	c.streams, c.cancel = context.WithCancel(context.Background())
	if err := c.start(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) start(ctx context.Context) error {
	m, err := c.Call(ctx, "ServerCheckRequest", struct{}{})
	if err != nil {
		return err
	}
	c.ConnectionID = m.Text("connectionId")
	if c.opts.NoSetup {
		return nil
	}
	if m.Type != "ServerCheckResponse" || c.ConnectionID == "" {
		return fmt.Errorf("server check answered %s", m)
	}
	acked := make(chan struct{})
	if err := c.open(acked); err != nil {
		return err
	}
	if err := c.Send("ConnectionSetupRequest", c.opts.Setup); err != nil {
		return err
	}
	if _, asked := c.opts.Setup["abilityTable"]; asked {
		select {
		case <-acked:
			return nil
		case <-c.Ended():
			return fmt.Errorf("the stream ended before it was acknowledged: %w", c.Err())
		case <-ctx.Done():
			return fmt.Errorf("no SetupAckRequest came: %w", ctx.Err())
		}
	}
	for { // as SDKs without abilities do, but without their fixed pause
		m, err := c.Call(ctx, "HealthCheckRequest", struct{}{})
		if err != nil || m.Int("errorCode") != 301 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Open opens a stream, and sends nothing on it: the stream of a client that was made with NoSetup, or another one, which
// is the client's from now on.
func (c *Client) Open() error { return c.open(nil) }

func (c *Client) open(acked chan struct{}) error {
	opened, err := c.conn.NewStream(c.streams, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/BiRequestStream/requestBiStream")
	if err != nil {
		return err
	}
	s := &stream{ClientStream: opened, ended: make(chan struct{})}
	c.sending.Lock()
	c.stream = s
	c.sending.Unlock()
	c.readers.Go(func() {
		defer close(s.ended)
		s.err = c.read(s, acked)
	})
	return nil
}

// read hands over what the server sends until the stream ends, and returns why it did.
func (c *Client) read(s *stream, acked chan struct{}) error {
	for {
		var b []byte
		if err := s.RecvMsg(&b); err != nil {
			return err
		}
		m, err := Unmarshal(b)
		if err != nil {
			return err
		}
		if m.Type == "SetupAckRequest" && acked != nil {
			close(acked)
			acked = nil
		}
		if c.opts.Push != nil && !c.opts.Push(m) || m.Type == "SetupAckRequest" {
			continue
		}
		if err := c.Ack(m); err != nil {
			return err
		}
	}
}

// Ack answers a request of the server with success.
func (c *Client) Ack(m Message) error {
	typ := m.Type
	if n := len(typ) - len("Request"); n > 0 {
		typ = typ[:n] + "Response"
	}
	return c.Send(typ, map[string]any{"requestId": m.Text("requestId"), "resultCode": 200, "errorCode": 0, "success": true})
}

// Send writes a message to the stream; body is marshalled as JSON unless it is []byte.
func (c *Client) Send(typ string, body any) error {
	b, err := c.encode(typ, nil, body)
	if err != nil {
		return err
	}
	return c.SendRaw(b)
}

// SendAs is Send with headers.
func (c *Client) SendAs(typ string, headers map[string]string, body any) error {
	b, err := c.encode(typ, headers, body)
	if err != nil {
		return err
	}
	return c.SendRaw(b)
}

// SendRaw writes bytes to the stream as they are.
func (c *Client) SendRaw(b []byte) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.stream == nil {
		return noStream.err
	}
	return c.stream.SendMsg(&b)
}

func (c *Client) encode(typ string, headers map[string]string, body any) ([]byte, error) {
	text, ok := body.([]byte)
	if !ok {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	return Message{Type: typ, ClientIP: c.opts.IP, Headers: headers, Body: text}.Marshal(), nil
}

// TooLarge reports whether a call was refused for its size.
func TooLarge(err error) bool { return status.Code(err) == codes.ResourceExhausted }

// Call sends a unary request and returns the answer, also one that says failure. Errors are those of gRPC.
func (c *Client) Call(ctx context.Context, typ string, body any) (Message, error) {
	return c.CallWith(ctx, typ, nil, body)
}

// CallWith is Call with headers.
func (c *Client) CallWith(ctx context.Context, typ string, headers map[string]string, body any) (Message, error) {
	b, err := c.encode(typ, headers, body)
	if err != nil {
		return Message{}, err
	}
	return c.CallRaw(ctx, b)
}

// CallRaw sends bytes as a unary request.
func (c *Client) CallRaw(ctx context.Context, b []byte) (Message, error) {
	var answer []byte
	if err := c.conn.Invoke(ctx, "/Request/request", &b, &answer); err != nil {
		return Message{}, err
	}
	return Unmarshal(answer)
}

// CloseSend half-closes the stream, as the Java SDK does when it leaves.
func (c *Client) CloseSend() error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.stream.CloseSend()
}

// Ended returns a channel that is closed when the stream has ended; Err tells then why.
func (c *Client) Ended() <-chan struct{} { return c.last().ended }

// Err returns why the stream ended. Call it after Ended.
func (c *Client) Err() error { return c.last().err }

// Close ends the connection and waits until its goroutines have ended.
func (c *Client) Close() {
	c.cancel()
	_ = c.conn.Close()
	c.readers.Wait()
}
