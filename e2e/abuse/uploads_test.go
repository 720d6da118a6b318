package abuse

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
)

// What a client reserved by announcing a large body comes back when it goes away, at whatever moment.
func TestClientsThatAnnounceLargeBodiesAndLeaveKeepNoRoom(t *testing.T) {
	a := attacked(t, 1200<<20) // of 3 GB that are announced; garbage counts, too
	for name, head := range map[string]string{
		"before the body":   "Content-Length: 30000000\r\n\r\n",
		"asking before":     "Content-Length: 30000000\r\nExpect: 100-continue\r\n\r\n",
		"asking for chunks": "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
		"between chunks":    "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
		"in the trailer":    "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: x",
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				c := a.dial()
				_ = c.SetLinger(0)
				_, _ = io.WriteString(c, publishHead+head)
				c.Close()
			}
			err := until(func() error {
				status, body := a.do(a.form("POST", "/nacos/v1/cs/configs", url.Values{"dataId": {"large"}, "group": {"DEFAULT_GROUP"}, "content": {strings.Repeat("l", 9<<20)}}))
				if status != 200 {
					return fmt.Errorf("a large publish afterwards: %d %.200q", status, body)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
