package replica

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// Set stores a value and returns when it is on disk.
func (s *logStore) Set(key, value []byte) error {
	return s.setAll(map[string][]byte{string(key): value})
}

func (s *logStore) setAll(values map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	size := 0
	for k, v := range values {
		size += len(k) + len(v)
	}
	err := s.update(size+roomForOthers, func(tx *bbolt.Tx, t *tail) error {
		b := tx.Bucket(stableBucket)
		for k, v := range values {
			key := []byte(k)
			if old := b.Get(key); old != nil {
				t.stable--
				t.stableSum -= uint64(binary.LittleEndian.Uint32(old[4:]))
			}
			rec := encodeStable(key, v)
			if err := b.Put(key, rec); err != nil {
				return err
			}
			t.stable++
			t.stableSum += uint64(binary.LittleEndian.Uint32(rec[4:]))
		}
		return nil
	})
	if err == nil {
		for k, v := range values {
			s.values.Store(k, bytes.Clone(v))
		}
	}
	return err
}

// Get returns a value, which may not be changed; empty when there is none.
func (s *logStore) Get(key []byte) ([]byte, error) {
	if v, ok := s.values.Load(string(key)); ok {
		return v.([]byte), nil
	}
	return nil, nil
}

// SetUint64 stores a number and returns when it is on disk.
func (s *logStore) SetUint64(key []byte, value uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// GetUint64 returns a number, 0 when there is none.
func (s *logStore) GetUint64(key []byte) (uint64, error) {
	v, err := s.Get(key)
	if err != nil || len(v) == 0 {
		return 0, err
	}
	if len(v) != 8 {
		return 0, fmt.Errorf("value %q has %d bytes and is no number", key, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}
