package replica

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"nacre/server/clock"
	"nacre/server/fault"
)

// A snapshot goes to another node in chunks, by calls that may be repeated, and only when all of it
// is there does that node's raft hear of it. By raft's own way its main loop, and with it its vote,
// would wait for the sender, who may stand still in the midst of it.
const (
	chunkSize    = 512 << 10
	chunkTimeout = 5 * time.Second
	// chunkTries, with pauses of retryChunk between them, is how an interrupted transfer goes on; after
	// that raft begins another one.
	chunkTries = 10
	retryChunk = 500 * time.Millisecond
	// restoreTimeout is how long a node may take to load what it received.
	restoreTimeout = 5 * time.Minute
	// staleTransfer is after how long without a chunk another node's transfer may take the place of one.
	staleTransfer = 15 * time.Second
)

// A chunk is what it is for u8, the number of the transfer u64, an offset u64, and bytes.
const (
	chunkBegin  = 1 // the bytes are raft's request
	chunkData   = 2 // of the snapshot, at the offset
	chunkFinish = 3 // the offset is the whole size
	chunkHead   = 17
)

func encodeChunk(what byte, transfer, offset uint64, data []byte) []byte {
	b := append(make([]byte, 0, chunkHead+len(data)), what)
	b = binary.LittleEndian.AppendUint64(b, transfer)
	b = binary.LittleEndian.AppendUint64(b, offset)
	return append(b, data...)
}

// InstallSnapshot implements raft.Transport.
func (t *transport) InstallSnapshot(id raft.ServerID, _ raft.ServerAddress, args *raft.InstallSnapshotRequest,
	resp *raft.InstallSnapshotResponse, data io.Reader) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopped := context.AfterFunc(t.node.snaps.ctx, cancel)
	defer stopped()
	request, err := json.Marshal(args)
	if err != nil {
		return err
	}
	transfer := t.node.waits.run + t.node.sent.Add(1)
	begin, size := clock.Mono(), uint64(0)
	if _, err := t.send(ctx, id, encodeChunk(chunkBegin, transfer, 0, request), chunkTimeout); err != nil {
		return err
	}
	for buf := make([]byte, chunkSize); ; {
		k, err := io.ReadFull(data, buf)
		if k > 0 {
			if _, err := t.send(ctx, id, encodeChunk(chunkData, transfer, size, buf[:k]), chunkTimeout); err != nil {
				return err
			}
			size += uint64(k)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		} else if err != nil {
			return err
		}
	}
	b, err := t.send(ctx, id, encodeChunk(chunkFinish, transfer, size, nil), restoreTimeout)
	if err != nil {
		return err
	}
	t.node.cfg.Logger.Info("sent a snapshot", "to", string(id), "index", args.LastLogIndex, "bytes", size, "took", elapsed(begin).Round(time.Millisecond))
	return json.Unmarshal(b, resp)
}

// send calls until there is an answer.
func (t *transport) send(ctx context.Context, id raft.ServerID, chunk []byte, limit time.Duration) ([]byte, error) {
	for try := 1; ; try++ {
		b, err := func() ([]byte, error) {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return t.node.cfg.Cluster.Peers.Call(ctx, string(id), methodSnapshot, chunk)
		}()
		if err == nil || try == chunkTries || fault.KindOf(err) == fault.Conflict {
			return b, err
		}
		wait := time.NewTimer(retryChunk)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil, err
		}
	}
}

// incoming is the snapshot that is on its way to this node, one at a time.
type incoming struct {
	mu       sync.Mutex // held over a chunk
	from     string
	transfer uint64
	request  *raft.InstallSnapshotRequest
	file     *os.File // nil: none
	size     uint64
	at       time.Time // of the last chunk
	answer   []byte    // of raft, when it has been told
}

// drop throws away what was received. The caller holds mu.
func (in *incoming) drop() {
	if in.file != nil {
		_ = in.file.Close()
		_ = os.Remove(in.file.Name())
	}
	in.file, in.request, in.answer = nil, nil, nil
}

var errOtherTransfer = fault.New(fault.Conflict, "another transfer of a snapshot is under way")

// serveSnapshot takes a chunk. The same chunk may come twice.
func (n *Node) serveSnapshot(ctx context.Context, from string, body []byte) ([]byte, error) {
	if len(body) < chunkHead {
		return nil, fault.New(fault.Invalid, "a chunk of a snapshot is cut short")
	}
	what, transfer, offset := body[0], binary.LittleEndian.Uint64(body[1:]), binary.LittleEndian.Uint64(body[9:])
	data := body[chunkHead:]
	in := &n.incoming
	in.mu.Lock()
	defer in.mu.Unlock()
	same := in.request != nil && in.from == from && in.transfer == transfer
	switch {
	case what == chunkBegin && !same:
		if in.request != nil && in.from != from && elapsed(in.at) < staleTransfer {
			return nil, errOtherTransfer
		}
		if err := n.beginTransfer(from, transfer, data); err != nil {
			return nil, err
		}
	case !same:
		return nil, errOtherTransfer
	case what == chunkData:
		if offset != in.size && offset+uint64(len(data)) != in.size {
			return nil, fault.New(fault.Conflict, "a chunk at byte %d of a snapshot follows byte %d", offset, in.size)
		}
		if offset == in.size {
			if in.file == nil || offset+uint64(len(data)) > uint64(in.request.Size) {
				return nil, fault.New(fault.Conflict, "a snapshot is longer than was said")
			}
			if _, err := in.file.WriteAt(data, int64(offset)); err != nil {
				in.drop()
				return nil, fault.Wrap(fault.Unavailable, err, "the snapshot can't be written: %v", err)
			}
			in.size += uint64(len(data))
		}
	case what == chunkFinish:
		if offset != in.size {
			return nil, fault.New(fault.Conflict, "a snapshot of %d bytes has %d", offset, in.size)
		}
		if in.answer == nil {
			if err := n.finishTransfer(ctx); err != nil {
				in.drop()
				return nil, err
			}
		}
		return bytes.Clone(in.answer), nil
	}
	in.at = clock.Mono()
	return nil, nil
}

func (n *Node) beginTransfer(from string, transfer uint64, request []byte) error {
	in := &n.incoming
	in.drop()
	in.request = &raft.InstallSnapshotRequest{}
	err := json.Unmarshal(request, in.request)
	if err == nil && string(in.request.ID) != from {
		err = fmt.Errorf("node %s speaks for %s", from, in.request.ID)
	}
	if err != nil {
		in.drop()
		return fault.Wrap(fault.Invalid, err, "not the head of a snapshot: %v", err)
	}
	if in.file, err = os.CreateTemp(n.snaps.dir, "incoming-"); err != nil {
		in.drop()
		return fault.Wrap(fault.Unavailable, err, "the snapshot can't be written: %v", err)
	}
	in.from, in.transfer, in.size = from, transfer, 0
	n.cfg.Logger.Info("receiving a snapshot", "from", from, "index", in.request.LastLogIndex, "bytes", in.request.Size)
	return nil
}

// finishTransfer gives raft what was received, and waits until it has loaded it.
func (n *Node) finishTransfer(ctx context.Context) error {
	in := &n.incoming
	answer := make(chan raft.RPCResponse, 1)
	err := n.net.say(ctx, raft.RPC{
		Command: in.request, Reader: io.NewSectionReader(in.file, 0, int64(in.size)), RespChan: answer,
	})
	if err != nil {
		return err
	}
	var r raft.RPCResponse
	select {
	case r = <-answer: // raft has read all of the file
	case <-n.done:
		return raft.ErrRaftShutdown
	}
	if r.Error != nil {
		return fault.Wrap(fault.Unavailable, r.Error, "the snapshot was not taken: %v", r.Error)
	}
	if in.answer, err = json.Marshal(r.Response); err != nil {
		return err
	}
	_ = in.file.Close()
	_ = os.Remove(in.file.Name())
	in.file = nil
	return nil
}
