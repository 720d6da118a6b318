package conn

import (
	"io"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

func TestABodyMayBeSlowButNotStandStill(t *testing.T) {
	s := start(t, func(c *Config) {
		c.Stall = 150 * time.Millisecond
		c.HeaderReceived = func(*fasthttp.RequestHeader) fasthttp.RequestConfig {
			return fasthttp.RequestConfig{ReadTimeout: time.Minute}
		}
	})
	for _, tt := range []struct {
		name   string
		chunks int
		end    string
		code   int
	}{{"slower in all than it may stand still", 40, "0\r\n\r\n", 200}, {"then nothing", 3, "", 408}} {
		c, r := dial(t, s.addr)
		go func() {
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
			for range tt.chunks {
				if _, err := io.WriteString(c, "1\r\nx\r\n"); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			_, _ = io.WriteString(c, tt.end)
		}()
		if code, _ := answerOf(t, r); code != tt.code {
			t.Errorf("%s: %d, want %d", tt.name, code, tt.code)
		}
	}
}
