package nacre.sdk;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** What checks are made of: each is run, timed and printed. */
public final class Checks {
    private static volatile boolean failed;
    private static final List<Process> children = new CopyOnWriteArrayList<>();

    public interface Run {
        void run() throws Exception;
    }

    public interface Value {
        Object get() throws Exception;
    }

    /** Ends the program as failed, and the servers with it, when it takes longer than so many seconds. */
    public static void limit(int seconds) {
        Thread t = new Thread(() -> {
            try {
                Thread.sleep(seconds * 1000L);
            } catch (InterruptedException e) {
                return;
            }
            System.out.println("FAILED it took longer than " + seconds + " seconds");
            System.exit(1);
        });
        t.setDaemon(true);
        t.start();
    }

    public static void check(String name, Run run) {
        long start = System.nanoTime();
        String what;
        try {
            run.run();
            what = "ok     " + name + "%s";
        } catch (Throwable e) {
            failed = true;
            Throwable why = e.getCause() == null ? e : e.getCause();
            what = "FAILED " + name + "%s: " + why;
        }
        System.out.println(what.replace("%s", String.format(" (%.1f s)", (System.nanoTime() - start) / 1e9)));
    }

    /** Ends the program and the processes that it started, whatever threads a client leaves behind. */
    public static void end() {
        System.out.flush();
        children.forEach(Process::destroyForcibly);
        Runtime.getRuntime().halt(failed ? 1 : 0);
    }

    public static boolean failed() {
        return failed;
    }

    public static void same(Object got, Object want) {
        if (got == null ? want != null : !got.equals(want)) {
            throw new AssertionError("got " + clip(got) + ", want " + clip(want));
        }
    }

    /** Waits until it is as wanted; while it can't be had it is the text of the exception. */
    public static void until(long limitMs, Object want, Value value) throws Exception {
        for (long end = System.nanoTime() + limitMs * 1_000_000;; Thread.sleep(5)) {
            Object got;
            try {
                got = value.get();
            } catch (Exception e) {
                got = e.toString();
            }
            if (want.equals(got)) {
                return;
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("after " + limitMs + " ms it is " + clip(got) + ", want " + clip(want));
            }
        }
    }

    public static String clip(Object o) {
        String s = String.valueOf(o);
        return s.length() > 200 ? s.substring(0, 200) : s;
    }

    /** Starts a class in a process of its own, which ends with this one; what it prints stands in a log in the home, whose name is given. */
    public static Process start(String log, Class<?> main, String... args) throws IOException {
        String home = System.getProperty("user.home") + File.separator + log;
        List<String> command = new ArrayList<>(Arrays.asList(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java", "-Xmx192m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                "-Duser.home=" + home, "-DJM.LOG.PATH=" + home, "-DJM.SNAPSHOT.PATH=" + home, "-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(Arrays.asList(args));
        Process child = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(new File(home + ".log")).start();
        children.add(child);
        Runtime.getRuntime().addShutdownHook(new Thread(child::destroyForcibly));
        return child;
    }
}
