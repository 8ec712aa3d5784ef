package app;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.Resource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The function behind the Java client. What it does is in the event: {"do": …}. */
public class Function implements RequestHandler<Map<String, Object>, Object> {
  private static final List<String> hooks = new ArrayList<>();
  private static final Resource resource = new Resource() {
    @Override
    public void beforeCheckpoint(com.amazonaws.services.lambda.crac.Context<? extends Resource> context) {
      hooks.add("before the snapshot");
    }

    @Override
    public void afterRestore(com.amazonaws.services.lambda.crac.Context<? extends Resource> context) {
      hooks.add("after the restore");
    }
  };

  static {
    Core.getGlobalContext().register(resource);
  }

  @Override
  public Object handleRequest(Map<String, Object> event, Context context) {
    switch (String.valueOf(event.get("do"))) {
      case "throw":
        throw new IllegalStateException(String.valueOf(event.get("message")));
      case "panic":
        throw new StackOverflowError("outside of every rule");
      case "exit":
        Runtime.getRuntime().halt(number(event, "code"));
        return null;
      case "sleep":
        try {
          Thread.sleep(number(event, "ms"));
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
        return instance();
      case "environment":
        Map<String, Object> values = new HashMap<>();
        for (Object name : (List<?>) event.get("names")) values.put(name.toString(), System.getenv(name.toString()));
        return values;
      case "context":
        Map<String, Object> known = new HashMap<>();
        known.put("requestId", context.getAwsRequestId());
        known.put("arn", context.getInvokedFunctionArn());
        known.put("remaining", context.getRemainingTimeInMillis());
        known.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
        known.put("custom", context.getClientContext() == null ? null : context.getClientContext().getCustom());
        return known;
      case "large":
        return "x".repeat(number(event, "bytes"));
      case "print":
        for (int line = 0; line < number(event, "lines"); line++) {
          System.out.println("out " + event.get("n") + " " + line);
          System.err.println("err " + event.get("n") + " " + line);
        }
        return event;
      case "log":
        context.getLogger().log("log " + event.get("n"), com.amazonaws.services.lambda.runtime.logging.LogLevel.INFO);
        try {
          Thread.sleep(number(event, "ms"));
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
        return Map.of("requestId", context.getAwsRequestId(), "n", event.get("n"));
      case "hooks":
        return Map.of("hooks", hooks);
      case "instance":
        return instance();
      default:
        return event;
    }
  }

  private static int number(Map<String, Object> event, String name) {
    return ((Number) event.get(name)).intValue();
  }

  private static Map<String, Long> instance() {
    return Map.of("instance", ProcessHandle.current().pid());
  }
}
