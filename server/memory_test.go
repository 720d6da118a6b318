package server

import "testing"

func TestRoomOfTheCollector(t *testing.T) {
	for _, tt := range []struct {
		live uint64
		want int
	}{{0, 400}, {4 << 20, 400}, {16 << 20, 200}, {32 << 20, 100}, {64 << 20, 50}, {1 << 30, 20}} {
		if got := gcPercent(tt.live); got != tt.want {
			t.Errorf("with %d bytes alive: %d %%, want %d", tt.live, got, tt.want)
		}
	}
}
