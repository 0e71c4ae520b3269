# Corral for several people: docs/hosting.md. Built and run, as far as that goes without Docker, by tests/dockerfile.py.
FROM python:3.11-slim

# The user that a Hugging Face Space runs as; whoever it is, it owns the workspace and nothing else.
RUN useradd --create-home --uid 1000 corral && mkdir /data && chown 1000:1000 /data

WORKDIR /app

COPY requirements.txt ./
# torch without gigabytes of CUDA. For a GPU: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" "$(grep ^torch== requirements.txt)"
RUN pip install --no-cache-dir -r requirements.txt

COPY app.py LICENSE ./
COPY .streamlit/config.toml .streamlit/
COPY data data/
COPY pages pages/
COPY labelling labelling/

# Within the container the server has to listen to all; who reaches that is decided outside: docs/hosting.md.
ENV CORRAL_WORKSPACE=/data \
    HF_HOME=/data/huggingface \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=7860 \
    STREAMLIT_SERVER_HEADLESS=true \
    PYTHONUNBUFFERED=1

USER 1000
VOLUME /data
EXPOSE 7860
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
    CMD ["python", "-c", "import urllib.request as ask; ask.urlopen('http://localhost:7860/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "app.py"]
