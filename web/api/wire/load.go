package wire

import (
	"os"
	"strconv"
	"strings"
	"sync"
)

// Machine tells how busy the machine is, as Nacos' loader shows it.
type Machine struct {
	mu          sync.Mutex
	busy, total uint64
	cpu         string // as of the last call
}

// Load returns the load average of the last minute and the share of the processors' time that was used since
// the last call, or since the start of the machine; "-1" where the system does not say.
func (m *Machine) Load() (load, cpu string) {
	load, cpu = "-1", "-1"
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		if f := strings.Fields(string(b)); len(f) > 0 {
			load = f[0]
		}
	}
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return load, cpu
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var busy, total uint64
	for i, f := range strings.Fields(line) {
		n, err := strconv.ParseUint(f, 10, 64)
		if i == 0 || err != nil {
			continue
		}
		total += n
		if i != 4 && i != 5 { // idle, and waiting for a disk
			busy += n
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if total > m.total {
		m.cpu = strconv.FormatFloat(float64(busy-min(m.busy, busy))/float64(total-m.total), 'f', 4, 64)
		m.busy, m.total = busy, total
	}
	if m.cpu != "" { // two calls within one tick have one answer
		cpu = m.cpu
	}
	return load, cpu
}
