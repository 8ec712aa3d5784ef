import java.util.List;
import java.util.Set;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.function.Supplier;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.apache.hc.core5.http.message.BasicHeader;

/** Invokes the function with Apache HttpComponents: 100 Continue, and a body in chunks with a trailer. */
public class Components {
  /** An entity in chunks, with a trailer. */
  static class Trailing extends HttpEntityWrapper {
    Trailing(HttpEntity entity) {
      super(entity);
    }

    @Override
    public boolean isChunked() {
      return true;
    }

    @Override
    public Set<String> getTrailerNames() {
      return Set.of("X-Checksum");
    }

    @Override
    public Supplier<List<? extends Header>> getTrailers() {
      return () -> List.of(new BasicHeader("X-Checksum", "abc"));
    }
  }

  public static void main(String[] args) throws Exception {
    RequestConfig config = RequestConfig.custom().setExpectContinueEnabled(true).build();
    try (CloseableHttpClient client = HttpClients.custom().setDefaultRequestConfig(config).disableAutomaticRetries().build()) {
      for (boolean chunked : new boolean[] { false, true }) {
        HttpPost post = new HttpPost(args[0]);
        StringEntity event = new StringEntity("{\"do\":\"echo\"}", ContentType.APPLICATION_JSON, chunked);
        post.setEntity(chunked ? new Trailing(event) : event);
        client.execute(post, answer -> {
          System.out.println(answer.getCode() + " " + EntityUtils.toString(answer.getEntity()));
          return null;
        });
      }
    }
  }
}
