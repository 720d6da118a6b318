package store

import (
	"context"
	"testing"

	"path/filepath"
)

func TestOpenEmpty(t *testing.T) {
	i, err := Open(context.Background(), Config{Path: filepath.Join(t.TempDir(), "nacre.db")})
	if err != nil {
		t.Fatal(err)
	}
	l, err := i.Load(context.Background(), Visitor{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(l)
	if err := i.Close(); err != nil {
		t.Fatal(err)
	}
}
